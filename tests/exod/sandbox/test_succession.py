"""exod dies, the keeper and the instances do not: who is found, who is ended, at whatever point it happened."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.brokers.doctor.residue import look
from exod.linux import procfs
from tests.exod.sandbox.holder import Holder
from tests.exod.sandbox.rig import Rig, ending, keeper_pid


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Not attached yet: another exod comes first."""
    async with ending(Rig(tmp_path)) as rig:
        yield rig
    assert look(rig.scope()) == frozenset()


@pytest.mark.parametrize("stage", ["running", "prepared", "forked"])
async def test_the_next_exod_finds_what_was_bound_and_nothing_else(rig: Rig, stage: str) -> None:
    holder = Holder(rig.directory, stage)
    holder.kill()
    survivors = await rig.attach()
    assert sorted(found.instance for found in survivors) == [1, 2]
    assert all(procfs.status(found.pid)["PPid"] == str(keeper_pid(rig)) for found in survivors)
    assert all(found.cgroup == (rig.group / f"instances/i-{found.instance}").stat().st_ino for found in survivors)
    if stage == "running":
        assert sorted(found.pid for found in survivors) == sorted(holder.pids)
    else:
        await rig.host.discard(3)
    for found in survivors:
        await rig.host.discard(found.instance)
    assert {exit_.instance for exit_ in rig.exits} == {1, 2}
    assert {exit_.cause for exit_ in rig.exits} == {"ended"}
    living = [trace for trace in look(rig.scope()) if trace.kind == "cgroup" and "/i-" in trace.what]
    assert living == []


async def test_a_child_forked_but_not_bound_dies_with_the_exod_that_asked_for_it(rig: Rig) -> None:
    holder = Holder(rig.directory, "forked")
    stray = os.pidfd_open(holder.pids[0])
    try:
        holder.kill()
        await rig.attach()
        async with asyncio.timeout(5):
            await _ended(stray)
    finally:
        os.close(stray)
    await rig.host.discard(3)


async def test_the_zygotes_of_a_dead_exod_are_gone_before_the_next_is_served(rig: Rig) -> None:
    holder = Holder(rig.directory, "running")
    holder.kill()
    await rig.attach()
    assert rig.host._ward is not None
    making = rig.host._ward.nursery._spare
    assert making is not None
    spare = await making
    await spare._warm
    procs = [int(pid) for pid in (rig.group / "zygotes/cgroup.procs").read_text().split()]
    assert spare.pid in procs
    assert len(procs) <= 2
    spare.close()


async def test_ends_that_happened_while_no_exod_listened_are_told_to_the_next(rig: Rig) -> None:
    holder = Holder(rig.directory, "running")
    holder.kill()
    os.kill(holder.pids[0], 9)
    survivors = await rig.attach()
    assert len(survivors) in (1, 2)
    await rig.host.discard(1)
    frame = await rig.host._open().lease.stat()
    assert int.from_bytes(frame.nonce[4:8], "little") == 0, "an exit record was not forgotten"


async def test_two_exods_follow_each_other_on_one_keeper(rig: Rig) -> None:
    Holder(rig.directory, "running").kill()
    first = Rig(rig.directory)
    survivors = await first.attach()
    pid = keeper_pid(first)
    first.host._ward.lease.close()  # type: ignore[union-attr]
    first.host._ward.nursery.close()  # type: ignore[union-attr]
    assert len(survivors) == 2
    again = await rig.attach()
    assert [found.instance for found in again] == [found.instance for found in survivors]
    assert keeper_pid(rig) == pid
    for cell in first.host._cells.values():
        cell.close()


async def _ended(pidfd: int) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_reader(pidfd, lambda: done.done() or done.set_result(None))
    try:
        await done
    finally:
        loop.remove_reader(pidfd)


async def test_the_next_exod_can_start_instances_too(rig: Rig) -> None:
    holder = Holder(rig.directory, "running")
    holder.kill()
    for found in await rig.attach():
        await rig.host.discard(found.instance)
    peer = await rig.start(7)
    with peer.end:
        assert peer.ask("1 + 1") == "2"
        await rig.host.discard(7)
