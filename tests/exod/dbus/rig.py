"""A private dbus-daemon, the real face on it, and clients: raw ones of our own wire, or other people's programs."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from exod.dbus import Bus, BusFace, Caps
from exod.dbus import wire as wires
from exod.dbus.codec import CALL, ERROR, Header, Outgoing, Variant
from exod.dbus.wire import Wire
from exod.names import BUS_NAME, ROOT_PATH
from tests.exod.dbus.fake import FakeSupervisor

POLICY = Path(__file__).resolve().parents[3] / "etc/dbus/org.exoos.Exod1.conf"
MANAGER = f"{BUS_NAME}.Manager"
PLUGIN = f"{BUS_NAME}.Plugin"
PROPERTIES = "org.freedesktop.DBus.Properties"
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{listen}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  {policy}
  <include ignore_missing="yes">/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>
</busconfig>
"""
_OPEN_POLICY = """<policy context="default">
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="method_return" send_requested_reply="false"/>
    <allow send_type="error" send_requested_reply="false"/>
    <allow receive_type="method_return" receive_requested_reply="false"/>
    <allow receive_type="error" receive_requested_reply="false"/>
  </policy>"""


class Daemon:
    """A dbus-daemon of our own; `shipped` uses the policy file that exod installs."""

    def __init__(self, *, shipped: bool = True, listen: str = "") -> None:
        # Short, since a socket's path has 107 bytes; open to the users that tests become.
        self.home = Path(tempfile.mkdtemp(prefix="exod-bus-", dir="/tmp"))
        self.home.chmod(0o755)
        policy = f"<include>{POLICY}</include>" if shipped else _OPEN_POLICY
        self.address = f"unix:path={self.home}/bus"
        self.config = self.home / "bus.conf"
        self.config.write_text(_CONFIG.format(listen=listen or self.address, policy=policy))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Returns when it listens: it prints its address then."""
        command = ["dbus-daemon", f"--config-file={self.config}", "--nofork", "--nopidfile", "--print-address=1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout
        self.address = self.process.stdout.readline().decode().strip()

    def stop(self) -> None:
        if self.process and self.process.stdout:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.home)


@contextlib.contextmanager
def daemon(**options: Any) -> Iterator[Daemon]:
    made = Daemon(**options)
    try:
        yield made
    finally:
        made.close()


class Failed(Exception):
    def __init__(self, header: Header) -> None:
        self.name = header.error
        self.body = header.body()
        super().__init__(f"{self.name} {self.body}")


class Client:
    """Sends anything, descriptors included, and decodes what comes back, whatever its signature."""

    def __init__(self, wire: Wire, signals: "asyncio.Queue[Header]") -> None:
        self.wire = wire
        self.signals = signals
        self.seen: set[str] = set()
        self.name = wire.unique_name

    async def call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        path: str = ROOT_PATH,
        interface: str = MANAGER,
        fds: Sequence[int] = (),
        flags: int = 0,
        to: str = BUS_NAME,
    ) -> list[Any]:
        header = await self.ask(Outgoing(CALL, path, interface, member, "", 0, to, signature, body, flags), fds)
        if header.type == ERROR:
            raise Failed(header)
        return header.body()

    async def ask(self, message: Outgoing, fds: Sequence[int] = ()) -> Header:
        wire = self.wire
        answer: asyncio.Future[Header] = asyncio.get_running_loop().create_future()
        if fds:
            wire._serial += 1
            serial = wire._serial
            wire._waiting[serial] = answer
            data = with_descriptors(message.pack(serial), len(fds))
            assert not wire._out
            sent = socket.send_fds(wire._end, [data], list(fds))
            assert sent == len(data)
        else:
            serial = wire.send(message)
            wire._waiting[serial] = answer
        async with asyncio.timeout(20):
            return await answer

    async def get(self, path: str, interface: str, name: str) -> Any:
        [value] = await self.call("Get", "ss", [interface, name], path=path, interface=PROPERTIES)
        return value.value

    async def listen(self, rule: str = f"type='signal',sender='{BUS_NAME}'") -> None:
        await self.call("AddMatch", "s", [rule], path=wires.BUS_PATH, interface=wires.BUS, to=wires.BUS)

    async def signal(self, member: str) -> Header:
        """The next signal of that name; others are dropped."""
        async with asyncio.timeout(10):
            while (header := await self.signals.get()).member != member:
                self.seen.add(header.member)
        return header


def with_descriptors(data: bytes, count: int) -> bytes:
    """Adds the header field UNIX_FDS, which exod itself never sends."""
    length = int.from_bytes(data[12:16], "little")
    header, body = data[: 16 + length], data[16 + (length + 7 & ~7) :]
    header += bytes(-len(header) & 7) + b"\x09\x01u\0" + count.to_bytes(4, "little")
    header = header[:12] + (len(header) - 16).to_bytes(4, "little") + header[16:]
    return header + bytes(-len(header) & 7) + body


_TYPES = {bool: "b", str: "s", int: "x", float: "d"}


def variants(**values: Any) -> dict[str, Variant]:
    """A body's a{sv}."""
    return {
        name: value if isinstance(value, Variant) else Variant(_TYPES[type(value)], value)
        for name, value in values.items()
    }


@contextlib.asynccontextmanager
async def client(address: str) -> AsyncIterator[Client]:
    queue: asyncio.Queue[Header] = asyncio.Queue()
    wire = await wires.connect(address, on_message=queue.put_nowait)
    try:
        yield Client(wire, queue)
    finally:
        wire.close()


@contextlib.asynccontextmanager
async def client_as(address: str, uid: int, groups: Sequence[int] = ()) -> AsyncIterator[Client]:
    """A connection of another user, made by this process: SO_PEERCRED and the SASL line are read while it connects."""
    with as_user(uid, groups):
        manager = client(address)
        entered = await manager.__aenter__()
    try:
        yield entered
    finally:
        await manager.__aexit__(None, None, None)


@contextlib.contextmanager
def as_user(uid: int, groups: Sequence[int] = ()) -> Iterator[None]:
    before = os.getgroups()
    os.setgroups(list(groups))
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setgroups(before)


async def until(condition: Callable[[], object]) -> None:
    """For what happens in another thread or process and tells nobody."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def read_package(fd: int) -> bytes:
    try:
        return os.pread(fd, 1 << 20, 0)
    finally:
        os.close(fd)


class Rig:
    def __init__(self, daemon: Daemon, supervisor: FakeSupervisor, face: BusFace, bus: Bus) -> None:
        self.daemon = daemon
        self.supervisor = supervisor
        self.face = face
        self.bus = bus

    @property
    def address(self) -> str:
        return self.daemon.address


@contextlib.asynccontextmanager
async def serving(daemon: Daemon, *, caps: Caps | None = None, read: Any = read_package) -> AsyncIterator[Rig]:
    face = BusFace()
    supervisor = FakeSupervisor(face)
    bus = Bus(
        daemon.address,
        supervisor=supervisor,
        face=face,
        read_package=read,
        doctor=supervisor.doctor,
        caps=caps or Caps(),
    )
    try:
        await bus.connect()
        await bus.own_name()
        yield Rig(daemon, supervisor, face, bus)
    finally:
        await bus.close()


async def owned(client: Client, name: str) -> None:
    """Waits until somebody owns `name`."""
    rule = f"type='signal',sender='{wires.BUS}',member='NameOwnerChanged',arg0='{name}'"
    await client.listen(rule)
    [has] = await client.call("NameHasOwner", "s", [name], path=wires.BUS_PATH, interface=wires.BUS, to=wires.BUS)
    if not has:
        await client.signal("NameOwnerChanged")
