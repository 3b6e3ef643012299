"""Instances of an exod that was killed, under the next one: they answer, speak, freeze and end as before."""

import dataclasses
import os
import select
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.brokers.doctor.residue import look
from exod.errors import Refused
from exod.linux import procfs
from exod.supervisor.ports import Exit, Launch, Survivor
from tests.exod.sandbox.holder import Holder
from tests.exod.sandbox.rig import Rig, ending, keeper_pid


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Not attached yet; instances 1 and 2 live, and who started them does not."""
    async with ending(Rig(tmp_path)) as rig:
        Holder(tmp_path, "running").kill()
        yield rig
    assert look(rig.scope()) == frozenset()


def launch_of(rig: Rig, survivor: Survivor) -> Launch:
    """As the registry has it."""
    uid = int(procfs.status(survivor.pid)["Uid"].split()[0])
    return dataclasses.replace(rig.launch(survivor.instance), uid=uid, nonce=survivor.nonce)


def adopted(rig: Rig, survivor: Survivor) -> socket.socket:
    """Its channel, which blocks for whoever asks here."""
    end = rig.host.adopt(launch_of(rig, survivor)).end
    end.settimeout(10)
    return end


def ask(end: socket.socket, expression: str) -> str:
    end.send(expression.encode())
    return end.recv(65536).decode()


async def test_they_answer_on_the_channel_they_always_had(rig: Rig) -> None:
    for survivor in await rig.attach():
        with adopted(rig, survivor) as end:
            assert ask(end, "6 * 7") == "42"
        walls = await rig.host.inspect(survivor.instance)
        assert (walls["seccomp"], walls["capabilities"]) == ("2", "0" * 16)


async def test_the_kernel_is_told_of_their_limits_anew(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(rig.kernel, "hold", lambda group, limits: told.append(f"{group.name} {limits.tasks}"))
    for survivor in await rig.attach():
        adopted(rig, survivor).close()
    assert told == ["i-1 8", "i-2 8"]


async def test_what_they_print_reaches_the_log_though_its_first_reader_died(rig: Rig) -> None:
    first, _ = await rig.attach()
    with adopted(rig, first) as end:
        ask(end, "print('still heard')")
        await rig.host.discard(1)
    assert [line.split(" ", 2)[1:] for line in rig.host.logs("hello", 1)] == [["1", "still heard"]]


async def test_their_true_end_is_told_once(rig: Rig) -> None:
    first, second = await rig.attach()
    with adopted(rig, first) as end:
        end.send(b"os._exit(5)")
        await rig.until(lambda: rig.exits)
    adopted(rig, second).close()
    os.kill(second.pid, signal.SIGKILL)
    await rig.until(lambda: len(rig.exits) == 2)
    assert rig.exits == [Exit(1, "exited", 5), Exit(2, "signal", signal.SIGKILL)]


async def test_they_are_frozen_and_thawed(rig: Rig) -> None:
    first, _ = await rig.attach()
    with adopted(rig, first) as end:
        assert not rig.host.frozen(1)
        await rig.host.freeze(1, frozen=True)
        end.send(b"1 + 1")
        assert rig.host.frozen(1)
        assert select.select([end], [], [], 0)[0] == []
        await rig.host.freeze(1, frozen=False)
        assert end.recv(10) == b"2"


async def test_one_that_was_frozen_is_known_to_be(rig: Rig) -> None:
    first, _ = await rig.attach()
    adopted(rig, first).close()
    await rig.host.freeze(1, frozen=True)
    await rig.host.close(ending=False)
    rig.host = rig.make()
    await rig.attach()
    assert (rig.host.frozen(1), rig.host.frozen(2)) == (True, False)


async def test_discarding_one_leaves_the_other(rig: Rig) -> None:
    first, second = await rig.attach()
    adopted(rig, first).close()
    with adopted(rig, second) as end:
        await rig.host.discard(1)
        assert rig.exits == [Exit(1, "ended", signal.SIGKILL)]
        assert not (rig.group / "instances/i-1").exists()
        assert ask(end, "2 + 2") == "4"


async def test_one_that_ended_before_it_was_taken_over_is_refused(rig: Rig) -> None:
    first, _ = await rig.attach()
    launch = launch_of(rig, first)
    os.kill(first.pid, signal.SIGKILL)
    await rig.until(lambda: rig.exits)
    with pytest.raises(Refused, match="it has ended"):
        rig.host.adopt(launch)


async def test_one_that_nobody_holds_cannot_be_taken_over(rig: Rig) -> None:
    await rig.attach()
    with pytest.raises(Refused, match="it was not prepared"):
        rig.host.adopt(rig.launch(9))


async def test_a_host_that_hands_over_ends_nobody_and_the_next_has_a_later_epoch(rig: Rig) -> None:
    before = await rig.attach()
    pid = keeper_pid(rig)
    await rig.host.close(ending=False)
    rig.host = rig.make()
    after = await rig.attach()
    assert after == [dataclasses.replace(one, epoch=one.epoch + 1) for one in before]
    assert keeper_pid(rig) == pid


async def test_a_keeper_executed_again_in_place_keeps_epoch_and_logs(rig: Rig) -> None:
    before = await rig.attach()
    await rig.host.renew_keeper()
    await rig.host.close(ending=False)
    rig.host = rig.make()
    first, second = await rig.attach()
    assert [first, second] == [dataclasses.replace(one, epoch=one.epoch + 1) for one in before]
    adopted(rig, second).close()
    with adopted(rig, first) as end:
        ask(end, "print('heard by the third')")
        await rig.host.discard(1)
    assert rig.host.logs("hello", 1)[0].endswith(" 1 heard by the third")


async def test_a_host_that_ends_leaves_neither_instance_nor_keeper(rig: Rig) -> None:
    survivors = await rig.attach()
    pids = [keeper_pid(rig), *(one.pid for one in survivors)]
    adopted(rig, survivors[0]).close()
    await rig.host.close(ending=True)
    assert [pid for pid in pids if _alive(pid)] == []


async def test_a_keeper_that_keeps_nothing_goes_with_whoever_hands_over(rig: Rig) -> None:
    for survivor in await rig.attach():
        await rig.host.discard(survivor.instance)
    keeper = keeper_pid(rig)
    await rig.host.close(ending=False)
    assert not _alive(keeper)
    assert not (rig.directory / "run/keeper.sock").exists()


def _alive(pid: int) -> bool:
    """A zombie is not: it waits for a parent that is not ours to be."""
    try:
        return not procfs.status(pid)["State"].startswith("Z")
    except OSError:
        return False
