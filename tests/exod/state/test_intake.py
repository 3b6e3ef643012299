import asyncio
import os
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exod.errors import Outcome, Refusal
from exod.state import intake as module
from exod.state.intake import SLOTS, WAITING, Intake, PackageBytes
from tests.exod.state.hanging import READ, Hanging

CONTENT = bytes(range(256)) * (3 << 12)


@pytest.fixture
async def intake() -> Intake:
    return Intake()


@pytest.fixture
def package(root: Path) -> Path:
    path = root / "hello_1.0.0.exopkg"
    path.write_bytes(CONTENT)
    return path


def sparse(path: Path, *, size: int) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.truncate(fd, size)
    return fd


def opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY)


def is_open(fd: int) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def code(result: PackageBytes | Refusal) -> str:
    return result.code if isinstance(result, Refusal) else f"{len(result)} bytes"


async def closed() -> None:
    """Wait until the threads that close refused descriptors have done so."""
    for thread in threading.enumerate():
        if thread.name == "fd-closer":
            await asyncio.to_thread(thread.join)


async def test_a_file_is_read_whole_whatever_its_position(intake: Intake, package: Path) -> None:
    fd = opened(package)
    os.lseek(fd, 1000, os.SEEK_SET)
    result = await intake.read_package(fd)
    assert result == CONTENT
    await closed()
    assert not is_open(fd)


async def test_memory_is_a_file_too(intake: Intake) -> None:
    fd = os.memfd_create("package")
    os.write(fd, b"bytes")
    assert code(await intake.read_package(fd)) == "5 bytes"


def pipe() -> int:
    read, write = os.pipe()
    os.close(write)
    return read


def tcp_socket() -> int:
    return socket.socket().detach()


def write_only() -> int:
    return os.open("/tmp", os.O_WRONLY | os.O_TMPFILE)


def empty() -> int:
    return os.memfd_create("empty")


def large() -> int:
    fd = os.memfd_create("large")
    os.truncate(fd, (64 << 20) + 1)
    return fd


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (pipe, "package-no-file"),
        (tcp_socket, "package-no-file"),
        (lambda: os.eventfd(0), "package-no-file"),
        (lambda: os.open("/dev/zero", os.O_RDONLY), "package-no-file"),
        (lambda: os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY), "package-no-file"),
        (lambda: os.open("/etc", os.O_RDONLY), "package-no-file"),
        (lambda: os.open("/etc/passwd", os.O_PATH), "package-unreadable"),
        (write_only, "package-unreadable"),
        (lambda: os.open("/proc/stat", os.O_RDONLY), "package-empty"),
        (lambda: os.open("/sys/kernel/uevent_seqnum", os.O_RDONLY), "package-changed"),
        (empty, "package-empty"),
        (large, "package-too-large"),
    ],
)
async def test_what_is_no_package_is_refused_and_closed(intake: Intake, make: object, expected: str) -> None:
    fd = make()  # type: ignore[operator]
    assert code(await intake.read_package(fd)) == expected
    await closed()
    assert not is_open(fd)


async def test_a_fifo_by_path_is_refused(intake: Intake, root: Path) -> None:
    os.mkfifo(root / "fifo")
    assert code(await intake.read_package(os.open(root / "fifo", os.O_RDONLY | os.O_NONBLOCK))) == "package-no-file"


async def test_a_sparse_file_costs_no_more_than_the_limit(intake: Intake, root: Path) -> None:
    assert code(await intake.read_package(sparse(root / "file", size=1 << 40))) == "package-too-large"
    assert code(await intake.read_package(sparse(root / "file", size=1 << 20), limit=1 << 20)) == "1048576 bytes"


class Meddling:
    """`os`, where something happens to the file at the first read."""

    def __init__(self, act: object) -> None:
        self.act = act

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        act, self.act = self.act, lambda: None
        act()  # type: ignore[operator]
        return os.pread(fd, size, offset)


@pytest.mark.parametrize("how", ["grows", "shrinks", "is written"])
async def test_a_file_that_changes_while_it_is_read_is_refused(
    intake: Intake, package: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def act() -> None:
        if how == "is written":
            with open(package, "r+b") as file:
                file.write(b"other")
            os.utime(package, ns=(1, 1))
        else:
            os.truncate(package, (4 << 20) if how == "grows" else 100)

    monkeypatch.setattr(module, "os", Meddling(act))
    assert code(await intake.read_package(opened(package))) == "package-changed"


async def test_a_file_that_grows_for_ever_is_read_to_its_first_size(
    intake: Intake, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddling = Meddling(lambda: None)

    def grow() -> None:
        os.truncate(package, package.stat().st_size + 4096)
        meddling.act = grow

    meddling.act = grow
    monkeypatch.setattr(module, "os", meddling)
    assert code(await intake.read_package(opened(package))) == "package-changed"


async def test_a_slow_file_is_given_up_between_two_reads(
    intake: Intake, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late:
        """A clock that the first chunk takes past any deadline."""

        calls = 0

        @classmethod
        def monotonic(cls) -> float:
            cls.calls += 1
            return 0.0 if cls.calls <= 3 else 1e9

    monkeypatch.setattr(module, "time", Late)
    monkeypatch.setattr(module, "_loop_time", lambda _: asyncio.get_running_loop().time() + 30)
    result = await intake.read_package(opened(package))
    assert code(result) == "package-late"
    assert isinstance(result, Refusal)
    assert result.outcome is Outcome.TIMED_OUT


async def test_a_closed_number_is_refused(intake: Intake) -> None:
    fd = os.memfd_create("closed")
    os.close(fd)
    assert code(await intake.read_package(fd)) == "package-unreadable"


@pytest.fixture
def hanging(root: Path) -> Iterator[Hanging]:
    file_system = Hanging(root / "fuse")
    yield file_system
    file_system.close()


async def test_a_fuse_file_is_refused_without_asking_it_anything(intake: Intake, hanging: Hanging) -> None:
    fd = opened(hanging.file)
    asked = len(hanging.requests)
    result = await intake.read_package(fd, deadline=1)
    assert "fuse" in result.sentence if isinstance(result, Refusal) else False
    await closed()
    assert READ not in hanging.requests[asked:]
    assert 3 not in hanging.requests[asked:], "not even its attributes"


async def test_a_file_of_a_mount_that_is_nowhere_on_this_host_is_refused(intake: Intake, hanging: Hanging) -> None:
    fd = opened(hanging.file)
    hanging.hide()
    result = await intake.read_package(fd, deadline=1)
    assert "not one of this host's mounts" in result.sentence if isinstance(result, Refusal) else False
    assert not hanging.reading.is_set()


async def test_a_read_that_hangs_is_given_up_and_its_slot_is_free_again(
    hanging: Hanging, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = Intake(slots=1)
    back = asyncio.Event()
    monkeypatch.setattr(module, "_slow", lambda _: "")
    fd = opened(hanging.file)
    reading = asyncio.create_task(intake.read_package(fd, deadline=0.05))
    assert code(await reading) == "package-late"
    assert code(await intake.read_package(opened(package))) == "package-busy", "the only thread is stuck"
    call = module.call_on

    def watched(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
        call(loop, function, *arguments)
        loop.call_soon_threadsafe(back.set)

    monkeypatch.setattr(module, "call_on", watched)
    hanging.close()
    await back.wait()
    monkeypatch.setattr(module, "call_on", call)
    assert code(await intake.read_package(opened(package))) == f"{3 << 20} bytes"


async def test_a_waiter_gives_up_at_its_deadline(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = Intake(slots=1)
    gate = threading.Event()
    monkeypatch.setattr(module, "os", Meddling(gate.wait))
    first = asyncio.create_task(intake.read_package(opened(package)))
    await asyncio.sleep(0)
    assert code(await intake.read_package(opened(package), deadline=0.01)) == "package-late"
    gate.set()
    assert code(await first) == f"{3 << 20} bytes"


async def test_a_cancelled_upload_gives_its_slot_back_when_its_thread_is_back(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = Intake(slots=2)
    gate = threading.Event()
    monkeypatch.setattr(module, "os", Meddling(gate.wait))
    first = asyncio.create_task(intake.read_package(opened(package)))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert intake._stuck == 1
    gate.set()
    assert code(await intake.read_package(opened(package))) == f"{3 << 20} bytes"


async def test_a_cancelled_waiter_closes_its_descriptor(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = Intake(slots=1)
    gate = threading.Event()
    monkeypatch.setattr(module, "os", Meddling(gate.wait))
    first = asyncio.create_task(intake.read_package(opened(package)))
    fd = opened(package)
    second = asyncio.create_task(intake.read_package(fd))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await first
    await closed()
    assert not is_open(fd)


async def test_of_a_thousand_uploads_few_are_read_at_once_and_none_leaks(
    intake: Intake, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "small").write_bytes(b"bytes")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    running, peak, lock = 0, 0, threading.Lock()
    read = module.read

    def counted(fd: int, *, limit: int, until: float) -> PackageBytes | Refusal:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        result = read(fd, limit=limit, until=until)
        with lock:
            running -= 1
        return result

    monkeypatch.setattr(module, "read", counted)
    fds = [opened(root / "small") for _ in range(1000)]
    try:
        results = [code(result) for result in await asyncio.gather(*map(intake.read_package, fds))]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await closed()
    assert peak <= SLOTS
    assert results.count("5 bytes") == SLOTS + WAITING
    assert results.count("package-busy") == 1000 - SLOTS - WAITING
    assert not any(is_open(fd) for fd in fds)
