"""What an instance's Landlock domain holds, kernel by kernel, in threads that give up what they could."""

import contextlib
import dataclasses
import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exod.brokers.files import domain
from exod.linux import syscall
from exod.linux.numbers import NUMBERS
from exod.plan.confine import Confinement, Layer
from exod.sandbox.launch import Domain
from tests.exod.sandbox.rig import Rig, confinement, ending, free_zygotes

ABI = domain.landlock_abi()
ALLOWED = 0


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """`in` is the root of a domain, `in/w` and `in/f` what it may write."""
    for name in ("out", "in/w/d", "in/r"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("out/file", "in/r/file", "in/w/file", "in/f"):
        (tmp_path / name).write_text("text")
    os.mkfifo(tmp_path / "in/r/pipe", 0o666)
    shutil.copy("/bin/true", tmp_path / "in/true")
    return tmp_path


def restricted(
    version: int, root: Path, do: Callable[[], object], *, writable: Sequence[str] = ("w", "f"), **how: Any
) -> int:
    """The errno of `do` in a thread that took the domain; 0 when it got through."""
    outcome: list[int] = []
    opened = [os.open(root / path, os.O_PATH) for path in ("", *writable)]
    ruleset = domain.domain(opened[0], opened[1:], confinement(**how), version=version)

    def run() -> None:
        syscall.prctl(38, 1)
        syscall.syscall(NUMBERS[os.uname().machine]["landlock_restrict_self"], ruleset or -1, 0)
        try:
            do()
            outcome.append(ALLOWED)
        except OSError as error:
            outcome.append(error.errno or -1)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for descriptor in (*opened, ruleset or -1):
        os.close(descriptor)
    return outcome[0]


def files(place: Path) -> dict[str, tuple[Callable[[], object], int, int]]:
    """name → what is tried, its errno where the kernel can hold it, and since which ABI it can."""
    inside, writable = place / "in", place / "in/w"
    return {
        "read inside": ((inside / "r/file").read_text, ALLOWED, 1),
        "list inside": (lambda: os.listdir(inside), ALLOWED, 1),
        "read outside": ((place / "out/file").read_text, errno.EACCES, 1),
        "list outside": (lambda: os.listdir(place), errno.EACCES, 1),
        "write what is read": (lambda: (inside / "r/file").write_text("x"), errno.EACCES, 1),
        "make where it reads": (lambda: (inside / "r/new").mkdir(), errno.EACCES, 1),
        "remove where it reads": (lambda: (inside / "r/file").unlink(), errno.EACCES, 1),
        "write": (lambda: (writable / "file").write_text("x"), ALLOWED, 1),
        "make": (lambda: (writable / "new").mkdir(), ALLOWED, 1),
        "remove": (lambda: (writable / "file").unlink(), ALLOWED, 1),
        "write a granted file": (lambda: (inside / "f").write_text("x"), ALLOWED, 1),
        "rename across directories": (lambda: (writable / "file").rename(writable / "d/file"), ALLOWED, 1),
        "take out what it may write": (lambda: (writable / "file").rename(inside / "r/mine"), errno.EACCES, 1),
        "link symbolically": (lambda: (writable / "link").symlink_to("/"), errno.EACCES, 1),
        "make a pipe": (lambda: os.mkfifo(writable / "pipe"), errno.EACCES, 1),
        "make a socket": (lambda: bound(str(writable / "s")), errno.EACCES, 1),
        "execute": (lambda: subprocess.run([inside / "true"], check=True), errno.EACCES, 1),
        "write a pipe where it reads": (lambda: os.close(os.open(inside / "r/pipe", os.O_RDWR)), errno.EACCES, 1),
        "truncate what is read": (lambda: os.truncate(inside / "r/file", 0), errno.EACCES, 3),
        "truncate": (lambda: os.truncate(writable / "file", 0), ALLOWED, 1),
    }


def bound(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(path)


@pytest.mark.parametrize("version", range(1, ABI + 1))
def test_files_are_read_below_the_root_and_written_where_that_is_granted(place: Path, version: int) -> None:
    for name, (do, expected, since) in files(place).items():
        shutil.rmtree(place / "in/w")
        (place / "in/w/d").mkdir(parents=True)
        (place / "in/w/file").write_text("text")
        found = restricted(version, place / "in", do)
        if name == "rename across directories" and version < 2:
            expected = errno.EXDEV
        if version >= since:
            assert found == expected, name


@pytest.fixture
def listener() -> Iterator[tuple[int, str]]:
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        abstract.bind(f"\0exod-domain-{os.getpid()}")
        abstract.listen()
        yield tcp.getsockname()[1], f"\0exod-domain-{os.getpid()}"


@pytest.mark.parametrize("version", range(1, ABI + 1))
def test_what_leads_out_is_held_since_the_kernel_can(place: Path, listener: tuple[int, str], version: int) -> None:
    port, name = listener

    def connect() -> None:
        with socket.socket() as end:
            end.connect(("127.0.0.1", port))

    def bind() -> None:
        with socket.socket() as end:
            end.bind(("127.0.0.1", 0))

    def abstract() -> None:
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(name)

    tries: dict[int, list[tuple[Callable[[], object], int]]] = {
        4: [(connect, errno.EACCES), (bind, errno.EACCES)],
        6: [(abstract, errno.EPERM), (lambda: os.kill(os.getppid(), signal.SIG_DFL), errno.EPERM)],
    }
    for since, each in tries.items():
        for do, expected in each:
            assert restricted(version, place / "in", do) == (expected if version >= since else ALLOWED)


@pytest.mark.parametrize("version", range(1, ABI + 1))
def test_a_port_that_is_granted_is_listened_on_and_no_other_is(place: Path, version: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    granted = {"network": (f"listen:tcp:{port}", f"listen:udp:{port}", "udp:192.0.2.1:53")}

    def listen(other: int = 0) -> None:
        with socket.socket() as end:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            end.bind(("127.0.0.1", other or port))
            end.listen()

    def connect() -> None:
        with socket.socket() as end:
            end.connect(("127.0.0.1", port))

    held = errno.EACCES if version >= 4 else ALLOWED
    assert restricted(version, place / "in", listen, permissions=granted) == ALLOWED
    assert restricted(version, place / "in", lambda: listen(port + 1), permissions=granted) == held
    assert restricted(version, place / "in", connect, permissions=granted) == (held or errno.ECONNREFUSED)


@pytest.mark.parametrize("version", range(1, ABI + 1))
def test_a_device_that_is_read_takes_no_commands(version: int) -> None:
    def command() -> None:
        with open("/dev/null", "rb") as null:
            fcntl.ioctl(null, termios.TCGETS, bytes(64))

    found = restricted(version, Path("/"), command, writable=())
    assert found == (errno.EACCES if version >= 5 else errno.ENOTTY)


def test_a_descriptor_that_leads_nowhere_leaves_none_of_ours() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="landlock_add_rule"):
        domain.domain(-1, [], confinement())
    assert os.listdir("/proc/self/fd") == before


def test_this_kernel_has_landlock() -> None:
    assert ABI >= 1


def test_a_kernel_that_refuses_to_say_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "switched off at boot")

    monkeypatch.setattr(domain, "syscall", refuse)
    domain.landlock_abi.cache_clear()
    assert domain.landlock_abi() == 0
    assert domain.domain(0, [], confinement()) is None
    domain.landlock_abi.cache_clear()


async def test_an_instance_is_in_its_domain_and_says_what_it_was_refused(rig: Rig) -> None:
    whole, without = await rig.start(1), await rig.start(2, without=[Layer.LANDLOCK])
    whole.end.close()
    without.end.close()
    assert whole.hello["walls"]["denied.landlock"] == "EACCES"
    assert "denied.landlock" not in without.hello["walls"]


async def test_a_domain_that_holds_nothing_is_told(tmp_path: Path) -> None:
    async with instances(tmp_path, lambda *_: domain.create_ruleset(fs=domain.MAKE_SYM)) as rig:
        peer = await rig.start()
        peer.end.close()
    assert peer.hello["walls"]["denied.landlock"] == "allowed"


@pytest.fixture
def free() -> Iterator[None]:
    with free_zygotes():
        yield


async def test_without_the_filter_the_domain_holds_what_it_can(free: None, rig: Rig) -> None:
    peer = await rig.start(without=[Layer.SECCOMP])
    with peer.end:
        for attempt in (
            "socket.socket().bind(('127.0.0.1', 1))",
            "socket.socket().connect(('127.0.0.1', 1))",
            "socket.socket(socket.AF_UNIX).bind('/tmp/s')",
            "os.symlink('a', '/tmp/b')",
            "os.mkfifo('/tmp/f')",
        ):
            assert peer.ask(attempt).startswith("!PermissionError(13"), attempt


async def test_where_the_kernel_has_none_an_instance_runs_without(tmp_path: Path) -> None:
    async with instances(tmp_path, lambda *_: None) as rig:
        peer = await rig.start()
        with peer.end:
            assert "denied.landlock" not in peer.hello["walls"]
            assert peer.ask("os.listdir('/plugin')")


async def test_only_what_is_granted_for_writing_is_written_through_the_domain(tmp_path: Path) -> None:
    rules: list[int] = []

    def noted(root: int, writable: Sequence[int], whose: Confinement) -> int | None:
        rules.extend(os.fstat(tree).st_ino for tree in writable)
        return domain.domain(root, writable, whose)

    place = Path("/var/tmp") / f"exod-domain-{os.getpid()}"
    place.mkdir()
    os.chown(place, 12345, 12345)
    try:
        async with instances(tmp_path, noted) as rig:
            await rig.host.prepare(rig.launch(files=("/etc/debian_version",), writable=(str(place),)))
            tmp = os.fstat(rig.host._cells[1].fork["tmp"]).st_ino
        assert rules == [tmp, place.stat().st_ino]
    finally:
        place.rmdir()


@contextlib.asynccontextmanager
async def instances(directory: Path, made: Domain) -> AsyncIterator[Rig]:
    """In domains that `made` makes."""
    async with ending(Rig(directory)) as rig:
        rig.host._places = dataclasses.replace(rig.host._places, domain=made)
        await rig.attach()
        yield rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with instances(tmp_path, domain.domain) as rig:
        yield rig
