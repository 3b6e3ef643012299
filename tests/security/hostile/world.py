"""What a host has that no plugin may reach: canaries of every kind, made for one run and taken back."""

import contextlib
import ctypes
import os
import pty
import shutil
import socket
import stat
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.exod.brokers.network.own import apart

_LIBC = ctypes.CDLL(None, use_errno=True)
_KEYCTL, _ADD_KEY, _BPF = 250, 248, 321
_JOIN_SESSION, _SESSION = 1, -3
_IPC_CREAT, _IPC_RMID, _IPC_NOWAIT, _OPEN = 0o1000, 0, 0o4000, 0o666
_GETVAL, _SETVAL = 12, 16
_CREATE, _LOOKUP, _UPDATE, _PIN = 0, 1, 2, 6
_PROCFILE = "/proc/version"


@dataclass
class World:
    """told: what an attempt is told of it. `secret` is not: only who reads a canary knows it."""

    directory: Path
    secret: str = field(default_factory=lambda: "canary-" + os.urandom(8).hex())
    told: dict[str, Any] = field(default_factory=dict)
    listeners: dict[str, socket.socket] = field(default_factory=dict)
    granted: dict[str, str] = field(default_factory=dict)
    queue: int = -1
    map: int = -1

    def renew(self) -> None:
        """As it was before somebody tried something."""
        (self.directory / "open").write_text(self.secret)
        for path in (self.directory / "drop").iterdir():
            path.unlink()
        for listener in self.listeners.values():
            _drain(listener)
        while self.message():
            continue
        _checked(_LIBC.semctl(self.told["semaphore"], 0, _SETVAL, 0))
        self._refill()
        self._ask_map(_UPDATE, bytes(8))

    def give(self, uid: int) -> None:
        """Two of its files belong to `uid`, one of them runs as it."""
        self.told["foreign_uid"] = uid
        for name in ("foreign", "setuid"):
            os.chown(self.directory / name, uid, uid)
        (self.directory / "setuid").chmod(0o4755)

    def message(self) -> bytes:
        """What somebody sent into the System V queue; empty when nobody did."""
        into = ctypes.create_string_buffer(8 + 64)
        size = _LIBC.msgrcv(self.told["messages"], into, 64, 0, _IPC_NOWAIT)
        return into.raw[8 : 8 + size] if size > 0 else b""

    def semaphore(self) -> int:
        return _checked(_LIBC.semctl(self.told["semaphore"], 0, _GETVAL, 0))

    def in_map(self) -> bytes:
        return self._ask_map(_LOOKUP, bytes(8))

    def _ask_map(self, command: int, data: bytes) -> bytes:
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(data, 8)
        _bpf(command, struct.pack("<IIQQQ", self.map, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
        return value.raw

    def _refill(self) -> None:
        """The POSIX queue, out of which whoever reads it takes the secret."""
        into = ctypes.create_string_buffer(8192)
        while _LIBC.mq_receive(self.queue, into, 8192, None) >= 0:
            continue
        _checked(_LIBC.mq_send(self.queue, self.secret.encode(), len(self.secret), 0))


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


@contextlib.contextmanager
def made(helper: bytes, library: bytes) -> Iterator[World]:
    """helper: a program; it also lies there with the setuid bit of whoever it is given to. library: one for Python."""
    directory = Path(tempfile.mkdtemp(prefix="exod-canaries-", dir="/var/tmp"))  # nothing below /tmp is ever granted
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, directory)
        directory.chmod(0o755)
        world = World(directory)
        world.told["directory"] = str(directory)
        _files(world, helper, library)
        _sockets(world, stack)
        _sysv(world, stack)
        _queue(world, stack)
        _key(world)
        _map(world, stack)
        yield world


def _drain(listener: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            if listener.type == socket.SOCK_DGRAM:
                listener.recv(64)
            else:
                listener.accept()[0].close()


def _files(world: World, helper: bytes, library: bytes) -> None:
    def file(name: str, data: bytes, mode: int) -> Path:
        path = world.directory / name
        path.write_bytes(data)
        path.chmod(mode)
        return path

    secret = world.secret.encode()
    file("secret", secret, 0o644)
    file("open", secret, 0o666)
    file("program", helper, 0o755)
    file("library", library, 0o644)
    (world.directory / "drop").mkdir()
    (world.directory / "drop").chmod(0o777)
    (world.directory / "link").symlink_to("secret")
    (world.directory / "way").symlink_to(".")
    os.mkfifo(world.directory / "fifo")
    (world.directory / "fifo").chmod(0o666)
    os.mknod(world.directory / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    (world.directory / "zero").chmod(0o666)
    for name in ("foreign", "setuid"):
        file(name, helper, 0o755)
    names = ("secret", "open", "link", "fifo", "zero", "foreign", "program", "library", "path.sock")
    world.granted = {name: str(world.directory / name) for name in names}
    world.granted |= {"way": str(world.directory / "way/secret"), "kernel": _PROCFILE}


def _sockets(world: World, stack: contextlib.ExitStack) -> None:
    def listen(name: str, family: int, kind: int, address: Any) -> None:
        made = world.listeners[name] = stack.enter_context(socket.socket(family, kind))
        made.bind(address)
        if kind != socket.SOCK_DGRAM:
            made.listen(64)
        made.setblocking(False)

    abstract = f"\0exod-canary-{os.getpid()}"
    listen("path", socket.AF_UNIX, socket.SOCK_STREAM, str(world.directory / "path.sock"))
    (world.directory / "path.sock").chmod(0o666)
    listen("abstract", socket.AF_UNIX, socket.SOCK_STREAM, abstract)
    listen("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    listen("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    listen("any_tcp", socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 0))
    listen("any_udp", socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 0))
    ports = {name: world.listeners[name].getsockname()[1] for name in ("tcp", "udp", "any_tcp", "any_udp")}
    world.told |= {"abstract": abstract, "host": apart.HOST, **ports}


def _sysv(world: World, stack: contextlib.ExitStack) -> None:
    secret = world.secret.encode()
    shared = _checked(_LIBC.shmget(0, 4096, _IPC_CREAT | _OPEN))
    stack.callback(_LIBC.shmctl, shared, _IPC_RMID, None)
    _LIBC.shmat.restype = ctypes.c_void_p
    place = _LIBC.shmat(shared, None, 0)
    ctypes.memmove(place, secret, len(secret))
    _LIBC.shmdt(ctypes.c_void_p(place))
    semaphore = _checked(_LIBC.semget(0, 1, _IPC_CREAT | _OPEN))
    stack.callback(_LIBC.semctl, semaphore, 0, _IPC_RMID)
    queue = _checked(_LIBC.msgget(0, _IPC_CREAT | _OPEN))
    stack.callback(_LIBC.msgctl, queue, _IPC_RMID, None)
    world.told |= {"shared": shared, "semaphore": semaphore, "messages": queue}


def _queue(world: World, stack: contextlib.ExitStack) -> None:
    name = f"/exod-canary-{os.getpid()}".encode()
    mask = os.umask(0)
    try:
        descriptor = _checked(_LIBC.mq_open(name, os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, _OPEN, None))
    finally:
        os.umask(mask)
    stack.callback(_LIBC.mq_unlink, name)
    stack.callback(os.close, descriptor)
    world.queue, world.told["queue"] = descriptor, name.decode()[1:]


def _key(world: World) -> None:
    """In a new session keyring of this thread, which whoever it starts inherits."""
    _checked(_LIBC.syscall(_KEYCTL, _JOIN_SESSION, None))
    secret = world.secret.encode()
    _checked(_LIBC.syscall(_ADD_KEY, b"user", b"exod-canary", secret, len(secret), _SESSION))


def _map(world: World, stack: contextlib.ExitStack) -> None:
    """A BPF map, pinned where everybody may open it."""
    pins = world.directory / "bpf"
    pins.mkdir()
    subprocess.run(["mount", "-t", "bpf", "-o", "mode=0755", "none", str(pins)], check=True)
    stack.callback(subprocess.run, ["umount", str(pins)], check=True)
    array = struct.pack("<5I", 2, 4, 8, 1, 0)
    world.map = _bpf(_CREATE, array)
    stack.callback(os.close, world.map)
    path = ctypes.create_string_buffer(f"{pins}/map".encode())
    _bpf(_PIN, struct.pack("<QI", ctypes.addressof(path), world.map))
    (pins / "map").chmod(0o666)


def _bpf(command: int, attributes: bytes) -> int:
    padded = attributes.ljust(128, b"\0")
    return _checked(_LIBC.syscall(_BPF, command, padded, len(padded)))


def process(uid: int) -> subprocess.Popen[bytes]:
    """Something of the host that runs with this uid."""
    return subprocess.Popen(["sleep", "600"], user=uid, group=uid, extra_groups=[])


def stdio(world: World, kind: str) -> tuple[list[int], int]:
    """What we keep, and what a plugin gets in the place of its log: a terminal, or a socket that a broker connected."""
    if kind == "terminal":
        ours, theirs = pty.openpty()
        return [ours], theirs
    stream = kind == "tcp"
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    server = socket.socket(socket.AF_INET, client.type)
    server.bind(("127.0.0.1", 0))
    if stream:
        server.listen(1)
    client.connect(server.getsockname())
    peer = server.accept()[0] if stream else server.dup()
    server.close()
    return [peer.detach(), os.dup(client.fileno())], client.detach()
