"""THREATS 56: exod's death kills no plugin, the keeper's leaves none; every instance is the keeper's child."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.brokers.doctor.residue import look
from exod.linux import procfs
from tests.exod.sandbox.rig import Rig, ending, keeper_pid
from tests.exod.sandbox.test_succession import Holder


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Not attached yet; afterwards nothing may be left, whatever died."""
    async with ending(Rig(tmp_path)) as rig:
        yield rig
    assert look(rig.scope()) == frozenset()


async def test_exods_death_at_any_moment_kills_no_instance(rig: Rig) -> None:
    holder = Holder(rig.directory, "running")
    holder.kill()
    survivors = await rig.attach()
    assert sorted(found.pid for found in survivors) == sorted(holder.pids)
    assert {procfs.status(pid)["PPid"] for pid in holder.pids} == {str(keeper_pid(rig))}


async def test_the_true_cause_of_an_end_is_told_to_an_exod_that_came_later(rig: Rig) -> None:
    holder = Holder(rig.directory, "running")
    holder.kill()
    await rig.attach()
    os.kill(holder.pids[0], signal.SIGKILL)  # no other reaches the first process of a namespace
    await rig.until(lambda: rig.exits)
    assert (rig.exits[0].cause, rig.exits[0].status) == ("signal", signal.SIGKILL)


async def test_the_keepers_death_leaves_no_orphan(rig: Rig) -> None:
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


async def ended(pidfd: int) -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().add_reader(pidfd, done.set)
    try:
        await done.wait()
    finally:
        asyncio.get_running_loop().remove_reader(pidfd)
