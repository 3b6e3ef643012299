"""Generations: who shares a zygote, when it is replaced, and what becomes of a spare."""

import asyncio
import os
import signal

import pytest

from exod.errors import Refused
from exod.linux.pidfd import ended
from exod.sandbox import nursery as nursery_module
from exod.sandbox.generation import Zygote
from exod.sandbox.uids import BLOCK
from tests.exod.sandbox.rig import Peer, Rig

KEY = ("s", "l")
"""Of what the rig starts."""


async def next_of(rig: Rig) -> Zygote:
    return await rig.host._open().nursery._next[KEY][1]


async def crash(rig: Rig, peer: Peer) -> None:
    os.kill(peer.pid, signal.SIGKILL)
    await rig.until(lambda: any(exit_.instance == peer.instance for exit_ in rig.exits))
    peer.end.close()


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


async def test_after_a_crash_the_next_generation_stands_armed_and_no_zygote_is_waited_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await rig.start(1)
    ready = await next_of(rig)
    before = rig.host._cell(1).zygote
    monkeypatch.setattr(rig.host._open().lease, "zygote", None)
    monkeypatch.setattr(Zygote, "arm", None)
    await crash(rig, peer)
    again = rig.launch(2)
    await rig.host.prepare(again)
    assert rig.host._cell(2).zygote is ready is not before
    (await rig.host.spawn(again)).end.close()


async def test_two_crashes_of_one_generation_use_up_one_that_was_ready(rig: Rig) -> None:
    one, two = await rig.start(1), await rig.start(2)
    ready = await next_of(rig)
    await crash(rig, one)
    three = await rig.start(3)
    assert rig.host._cell(3).zygote is ready
    await crash(rig, two)
    four = await rig.start(4)
    assert rig.host._cell(4).zygote is ready
    for peer in (three, four):
        peer.end.close()


async def test_a_generation_that_crashed_never_serves_again(rig: Rig) -> None:
    served = []
    for number in range(1, 6):
        peer = await rig.start(number)
        served.append(rig.host._cell(number).zygote)
        await crash(rig, peer)
    assert len(set(served)) == 5
    assert [zygote.alive for zygote in served if zygote] == [False] * 5


async def test_the_next_generation_maps_none_of_the_uids_of_the_one_in_use(rig: Rig) -> None:
    (await rig.start(1)).end.close()
    used, ready = rig.host._cell(1).zygote, await next_of(rig)
    assert used is not None
    assert abs(ready.block.first - used.block.first) >= BLOCK


async def test_a_next_generation_that_died_while_it_waited_is_not_used(rig: Rig) -> None:
    peer = await rig.start(1)
    ready = await next_of(rig)
    os.kill(ready.pid, signal.SIGKILL)
    assert ended(ready.descriptor, seconds=5)
    await crash(rig, peer)
    (await rig.start(2)).end.close()
    assert rig.host._cell(2).zygote not in (None, ready)
    assert ready.descriptor == -1


async def test_a_next_generation_that_could_not_be_made_stops_no_start(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = rig.host._open().nursery
    filters = nursery._filters
    peer = await rig.start(1)
    (await next_of(rig)).close()
    nursery._next.clear()
    monkeypatch.setattr(nursery, "_filters", [b""])
    nursery.provide(KEY)
    with pytest.raises(Refused, match="zygote"):
        await next_of(rig)
    monkeypatch.setattr(nursery, "_filters", filters)
    await crash(rig, peer)
    (await rig.start(2)).end.close()


async def test_when_the_uids_are_used_up_the_one_in_use_goes_on_without_a_next(rig: Rig) -> None:
    nursery, uids = rig.host._open().nursery, rig.host._uids
    uid = uids.next(KEY)
    uids._last = uids.block(uid).last
    await nursery.generation(KEY, uid=uid)
    nursery.provide(KEY)
    assert nursery._next == {}
    (await rig.start(1)).end.close()


async def test_a_closed_nursery_keeps_nothing_that_was_ready(rig: Rig) -> None:
    (await rig.start(1)).end.close()
    nursery, ready = rig.host._open().nursery, await next_of(rig)
    assert nursery._spare is not None
    spare = await nursery._spare
    nursery.close()
    assert (ready.descriptor, spare.descriptor) == (-1, -1)
    nursery.provide(KEY)
    assert nursery._next == {}


async def test_what_is_ready_in_the_turn_in_which_nobody_waits_any_more_is_closed(rig: Rig) -> None:
    making = nursery_module._begun(rig.host._open().nursery._fresh())
    making.add_done_callback(lambda _: waiting.cancel())  # before the task itself hears of it
    waiting = asyncio.create_task(nursery_module._alive(making))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert (await making).descriptor == -1


async def test_what_stands_ready_is_shown_with_its_memory(rig: Rig) -> None:
    (await rig.start(1)).end.close()
    await rig.settled()
    ready, nursery = await next_of(rig), rig.host._open().nursery
    assert nursery._spare is not None
    spare = await nursery._spare
    shown = {role: (signer, level, pid) for signer, level, role, pid, _ in rig.host.zygotes()}
    assert shown["next"] == (*KEY, ready.pid)
    assert shown["spare"] == ("", "", spare.pid)
    assert shown.keys() == {"in-use", "next", "spare"}
    assert all(1 << 20 < memory < 64 << 20 for *_, memory in rig.host.zygotes())


async def test_a_renewed_keeper_has_the_next_of_every_signer_made_anew(rig: Rig) -> None:
    (await rig.start(1)).end.close()
    before = {pid for *_, pid, _ in rig.host.zygotes()}
    rig.host._open().nursery.renew()
    ready = await next_of(rig)
    assert ready.pid not in before
    (await rig.start(2)).end.close()
    assert rig.host._cell(2).zygote is ready


async def test_one_that_is_gone_is_not_shown(rig: Rig) -> None:
    (await rig.start(1)).end.close()
    ready = await next_of(rig)
    os.kill(ready.pid, signal.SIGKILL)
    assert ended(ready.descriptor, seconds=5)
    assert ready.pid not in {pid for *_, pid, _ in rig.host.zygotes()}


async def test_a_start_outlives_generations_that_go_while_it_is_at_work(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own goes after it was prepared, and the one after that while its network is made."""
    network, made = Zygote.network, []

    async def made_late(zygote: Zygote) -> int:
        made.append(zygote)
        namespace = await network(zygote)
        if len(made) < 3:
            rig.host._open().nursery.retire(KEY, of=zygote)
            await asyncio.sleep(0)
        return namespace

    monkeypatch.setattr(Zygote, "network", made_late)
    (await rig.start()).end.close()
    assert len({id(zygote) for zygote in made}) == 3


async def test_a_start_that_comes_late_takes_no_generation_away_from_others(rig: Rig) -> None:
    """Its uid is of the generation that went; the one after it has started others by then."""
    nursery, key = rig.host._open().nursery, ("a", "l")
    late = rig.host.next_uid(signer="a", level="l")
    gone = await nursery.generation(key, uid=late)
    nursery.provide(key)
    nursery.retire(key)
    used = await nursery.generation(key, uid=rig.host.next_uid(signer="a", level="l"))
    own = await nursery.generation(key, uid=late)
    assert own not in (gone, used)
    assert own.block.holds(late)
    assert await nursery.generation(key, uid=rig.host.next_uid(signer="a", level="l")) is used
    own.forgotten(1)
    assert own.descriptor == -1, "it served one start, whatever became of that"
