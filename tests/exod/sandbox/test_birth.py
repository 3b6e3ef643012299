"""A start, part by part: what an instance gets, and what happens when a part fails."""

import asyncio
import dataclasses
import os
import socket
import threading
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.package.limits import Limits
from exod.sandbox import birth, data
from tests.exod.sandbox.rig import LIMITS, Rig


def host_text(path: str) -> str:
    return Path(path).read_text()


async def test_tmp_is_writable_small_and_private(rig: Rig) -> None:
    first, second = await rig.start(1), await rig.start(2)
    with first.end, second.end:
        assert first.ask("open('/tmp/x', 'w').write('mine')") == "4"
        assert second.ask("os.listdir('/tmp')") == "[]"
        assert "No space left" in first.ask("open('/tmp/big', 'wb').write(bytes(8 << 20))")


async def test_a_start_that_cannot_fork_is_refused_and_taken_back(rig: Rig) -> None:
    launch = rig.launch(3)
    await rig.host.prepare(launch)
    cell = rig.host._cells[3]
    os.dup2(cell.fork["log"], cell.fork["cgroup"], inheritable=False)
    with pytest.raises(Refused, match="fork failed"):
        await rig.host.spawn(launch)
    await rig.host.discard(3)


async def test_a_wall_that_does_not_stand_is_named(rig: Rig) -> None:
    launch = rig.launch(3)
    await rig.host.prepare(launch)
    cell = rig.host._cells[3]
    os.dup2(cell.fork["log"], cell.fork["network"], inheritable=False)
    with pytest.raises(Refused) as refused:
        await rig.host.spawn(launch)
    assert refused.value.refusal.evidence["wall"] == "enter_network"
    await rig.until(lambda: rig.exits)
    await rig.host.discard(3)


async def test_spawning_without_preparing_is_refused(rig: Rig) -> None:
    with pytest.raises(Refused, match="not prepared"):
        await rig.host.spawn(rig.launch(4))


async def test_granted_files_appear_at_their_own_path_and_read_as_the_hosts(rig: Rig) -> None:
    peer = await rig.start(files=("/proc/stat", "/proc/1/net/dev", "/proc/pressure/cpu", "/etc/debian_version"))
    with peer.end:
        assert peer.ask("open('/etc/debian_version').read()") == repr(host_text("/etc/debian_version"))
        inside = peer.ask("open('/proc/1/net/dev').read().count(':')")
        assert inside == str(host_text("/proc/1/net/dev").count(":"))
        assert peer.ask("open('/proc/stat').read(3)") == "'cpu'"
        assert peer.ask("sorted(os.listdir('/proc'))") == "['1', 'pressure', 'stat']"
        assert "Read-only" in peer.ask("open('/proc/pressure/cpu', 'r+')"), "mode 0666 on the host"


async def test_a_grant_that_is_refused_leaves_nothing(rig: Rig) -> None:
    with pytest.raises(Refused, match="cannot grant /etc/shadow"):
        await rig.host.prepare(rig.launch(files=("/proc/stat", "/etc/shadow")))
    await rig.host.discard(1)


async def test_state_belongs_to_the_instance_inside_and_to_the_data_uid_on_disk(rig: Rig) -> None:
    place = rig.directory / "data/hello"
    place.mkdir(mode=0o700)
    os.chown(place, LIMITS.data_uid, LIMITS.data_uid)
    first = await rig.start()
    with first.end:
        assert first.ask("open('/state/kept', 'w').write('it')") == "2"
        assert first.ask("os.stat('/state/kept').st_uid == os.getuid()") == "True"
    await rig.host.discard(1)
    assert (place / "kept").stat().st_uid == LIMITS.data_uid
    second = await rig.start(2)
    with second.end:
        assert second.ask("open('/state/kept').read()") == "'it'"


async def test_a_large_package_is_whole_inside(rig: Rig) -> None:
    peer = await rig.start(tree={"assets/big": (bytes(range(256)) * 4096, False)})
    with peer.end:
        assert peer.ask("open('/plugin/assets/big', 'rb').read() == bytes(range(256)) * 4096") == "True"


async def test_state_that_cannot_be_mapped_is_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    (rig.directory / "data/hello").mkdir()
    monkeypatch.setattr(data, "bind", lambda *_, **__: None)
    with pytest.raises(Refused, match="without idmapped mounts"):
        await rig.host.prepare(rig.launch())
    await rig.host.discard(1)


async def test_an_instance_that_says_nothing_is_left_to_whoever_waits_for_its_hello(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(birth, "FIRST_WORD", 0.0)
    launch = rig.launch()
    await rig.host.prepare(launch)
    (await rig.host.spawn(launch)).end.close()


async def test_an_instance_that_ends_before_its_first_word_is_refused(rig: Rig) -> None:
    launch = rig.launch()
    await rig.host.prepare(launch)
    cell = rig.host._cells[1]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    assert cell.end is not None
    cell.end.close()
    cell.end = ours
    theirs.close()  # so that nobody holds the other end of what exod listens to
    with pytest.raises(Refused, match="before it said anything"):
        await rig.host.spawn(launch)
    await rig.host.discard(1)


async def test_the_kernel_is_told_of_the_limits_before_there_is_a_process(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, str]] = []

    def hold(group: Path, limits: Limits) -> None:
        told.append((group.name, limits.memory, (group / "cgroup.procs").read_text()))

    monkeypatch.setattr(rig.kernel, "hold", hold)
    (await rig.start(7)).end.close()
    assert told == [("i-7", Limits().memory, "")]


async def test_a_grant_that_does_not_answer_keeps_nobody_waiting_and_leaves_nothing(rig: Rig) -> None:
    asked, answer, (reading, writing) = threading.Event(), threading.Event(), os.pipe()

    def slow(*_: object) -> list[int]:
        asked.set()
        answer.wait(10)
        return [writing]

    rig.host._ward = dataclasses.replace(rig.host._open(), grants=slow)
    starting = asyncio.create_task(rig.host.prepare(rig.launch(1, files=("/srv/away",))))
    await asyncio.to_thread(asked.wait, 10)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    answer.set()
    assert await asyncio.to_thread(os.read, reading, 1) == b""
    os.close(reading)
