"""Generations: who shares a zygote, when it is replaced, and what becomes of a spare."""

import asyncio
import os
import signal

import pytest

from exod.errors import Refused
from exod.linux.pidfd import ended
from tests.exod.sandbox.rig import Rig


async def test_a_spare_is_warm_before_it_is_needed(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    assert nursery._spare is not None
    spare = await nursery._spare
    zygote = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    assert zygote is spare
    assert nursery._spare is not None, "the next is already asked for"


async def test_a_zygote_that_died_is_replaced_and_closed(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    first = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    os.kill(first.pid, signal.SIGKILL)
    assert ended(first.descriptor, seconds=5)
    second = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    assert second is not first
    assert first.descriptor == -1


async def test_a_spare_that_died_is_not_used(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    assert nursery._spare is not None
    spare = await nursery._spare
    os.kill(spare.pid, signal.SIGKILL)
    assert ended(spare.descriptor, seconds=5)
    zygote = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    assert zygote is not spare
    assert zygote.alive


async def test_two_starts_at_once_share_one_generation(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    uids = rig.host.next_uid(signer="a", level="l"), rig.host.next_uid(signer="a", level="l")
    one, two = await asyncio.gather(*(nursery.generation(("a", "l"), uid=uid) for uid in uids))
    assert one is two


async def test_a_uid_of_another_block_takes_another_zygote(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    mine, other = rig.host.next_uid(signer="a", level="l"), rig.host.next_uid(signer="b", level="l")
    first = await nursery.generation(("a", "l"), uid=mine)
    assert await nursery.generation(("a", "l"), uid=other) is not first


async def test_a_closed_nursery_makes_no_spare(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    nursery.close()
    nursery.warm()
    assert nursery._spare is None


async def test_a_zygote_that_cannot_be_armed_is_closed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    nursery = rig.host._open().nursery
    monkeypatch.setattr(nursery, "_filters", [b""])
    with pytest.raises(Refused, match="zygote"):
        await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    assert nursery._living == {}


async def test_a_start_that_was_prepared_when_a_sibling_crashes_goes_on_in_the_next_generation(rig: Rig) -> None:
    sibling = await rig.start(1)
    launch = rig.launch(2)
    await rig.host.prepare(launch)
    before = rig.host._cell(2).zygote
    os.kill(sibling.pid, signal.SIGKILL)
    await rig.until(lambda: rig.exits)
    born = await rig.host.spawn(launch)
    assert rig.host._cell(2).zygote is not before
    await rig.host.inspect(2)
    for end in (sibling.end, born.end):
        end.close()


async def test_a_zygote_that_is_replaced_answers_first_what_it_was_asked(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    zygote = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    assert zygote._refill is not None
    await zygote._refill
    while zygote._networks:
        os.close(zygote._networks.pop())
    asked = asyncio.create_task(zygote.network())
    await asyncio.sleep(0)
    nursery.retire(("a", "l"))
    assert not zygote.alive
    os.close(await asked)
    assert zygote.descriptor == -1


async def test_one_that_was_still_to_answer_is_closed_with_the_rest(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    zygote = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    asked = asyncio.create_task(zygote._network())
    await asyncio.sleep(0)
    nursery.retire(("a", "l"))
    assert zygote.descriptor >= 0
    nursery.close()
    assert zygote.descriptor == -1
    with pytest.raises(Refused, match="it ended"):
        await asked
