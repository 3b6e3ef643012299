"""THREATS 56: exod's death kills no plugin, the keeper's leaves none; every instance is the keeper's child."""

import asyncio
import os
import signal
from pathlib import Path

from exod.linux import procfs
from exod.sandbox.residue import look
from tests.exod.sandbox.rig import Rig, keeper_pid
from tests.exod.sandbox.test_succession import Holder


async def test_exods_death_at_any_moment_kills_no_instance(tmp_path: Path) -> None:
    holder = Holder(tmp_path, "running")
    holder.kill()
    rig = Rig(tmp_path)
    survivors = await rig.attach()
    assert sorted(found.pid for found in survivors) == sorted(holder.pids)
    assert {procfs.status(pid)["PPid"] for pid in holder.pids} == {str(keeper_pid(rig))}
    await rig.host.close()
    assert look(rig.scope()) == frozenset()


async def test_the_true_cause_of_an_end_is_told_to_an_exod_that_came_later(tmp_path: Path) -> None:
    holder = Holder(tmp_path, "running")
    holder.kill()
    rig = Rig(tmp_path)
    await rig.attach()
    os.kill(holder.pids[0], signal.SIGKILL)  # no other reaches the first process of a namespace
    try:
        await rig.until(lambda: rig.exits)
    finally:
        await rig.host.close()
    assert (rig.exits[0].cause, rig.exits[0].status) == ("signal", signal.SIGKILL)


async def test_the_keepers_death_leaves_no_orphan(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.attach()
    peers = [await rig.start(number) for number in (1, 2, 3)]
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    pidfds = [os.pidfd_open(pid) for pid in (*(peer.pid for peer in peers), zygote.pid)]
    os.kill(keeper_pid(rig), signal.SIGKILL)
    await rig.until(lambda: rig.lost)
    async with asyncio.timeout(5):
        for pidfd in pidfds:
            await ended(pidfd)
            os.close(pidfd)
    for peer in peers:
        peer.end.close()
    await rig.host.close()
    assert look(rig.scope()) == frozenset()


async def ended(pidfd: int) -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().add_reader(pidfd, done.set)
    try:
        await done.wait()
    finally:
        asyncio.get_running_loop().remove_reader(pidfd)
