"""A real Host on a throw-away directory, and instances that answer questions; everything is gone at the end."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from exod.brokers.doctor.residue import Scope, look
from exod.brokers.files.domain import domain
from exod.brokers.files.steps import open_paths
from exod.brokers.logs.files import Logs
from exod.brokers.network.own.steps import Wires
from exod.brokers.resources.kernel import Kernel
from exod.package.limits import Limits as PackageLimits
from exod.plan.confine import LAYERS, Confinement, Layer
from exod.sandbox import bpf, seccomp
from exod.sandbox.groups import Groups, place
from exod.sandbox.host import Host, Places
from exod.settings import Settings
from exod.supervisor.ports import Exit, Launch, Survivor
from tests import uids

PATIENCE = 10.0
STUB = Path(__file__).parent / "stub" / "exosdk"
TREE = {"code/hello.py": (b"GREETING = 'hello'\n", False), "manifest.toml": (b"[plugin]\n", False)}
_FREE = [(0x06, 0, 0, bpf.ALLOW)]
LIMITS = Settings(
    uid_first=uids.INSTANCES[0],
    uid_last=uids.INSTANCES[-1],
    keeper_uid=uids.KEEPER,
    data_uid=uids.DATA,
    network_range="10.250.0.0/16",
)
"""Apart from a daemon that may run beside the tests."""


def confinement(
    *,
    plugin: str = "hello",
    files: tuple[str, ...] = (),
    writable: tuple[str, ...] = (),
    permissions: Mapping[str, tuple[str, ...]] | None = None,
    signer: str = "s",
    level: str = "l",
    without: Iterable[Layer] = (),
) -> Confinement:
    values: dict[str, Any] = {"limits": PackageLimits(), "services": (), "config": {}, "permissions": permissions or {}}
    return Confinement(
        plugin=plugin, version="1.0.0", type="custom", digest="0" * 64, signer=signer, level=level, entry="hello:Hello",
        files=files, writable=writable, layers=LAYERS - {*without}, **values,
    )  # fmt: skip


@dataclass
class Peer:
    """One running instance, from exod's side."""

    instance: int
    pid: int
    end: socket.socket
    hello: Mapping[str, Any]

    def ask(self, expression: str) -> str:
        """The repr of the expression's value inside; of an exception, the repr after `!`."""
        self.end.send(expression.encode())
        return self.end.recv(65536).decode()


@contextlib.contextmanager
def free_zygotes() -> Iterator[None]:
    """A Rig that attaches here has zygotes whose own filter, which their instances inherit, allows everything."""
    with mock.patch.object(seccomp, "zygote", return_value=bpf.assemble(_FREE)):
        yield


@dataclass
class Rig:
    directory: Path
    limits: Settings = LIMITS
    sdk: Path = STUB
    exits: list[Exit] = field(default_factory=list)
    lost: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    kernel: Kernel = field(init=False)
    host: Host = field(init=False)

    def __post_init__(self) -> None:
        for name in ("run", "log", "data"):
            (self.directory / name).mkdir(exist_ok=True)
        self.kernel = Kernel(self.directory)
        self.host = self.make()

    def make(self) -> Host:
        places = Places(
            run=self.directory / "run",
            logs=Logs(self.directory / "log", limit=1 << 20),
            data=self.directory / "data",
            sdk=self.sdk,
            grants=partial(open_paths, forbidden=[str(self.directory)]),
            domain=domain,
            wires=Wires(self.limits),
            development=self.directory,
        )
        return Host(places, self.limits, self.kernel)

    async def attach(self) -> list[Survivor]:
        return list(await self.host.attach(on_exit=self._on_exit, on_lost=self._on_lost))

    async def until(self, reached: Callable[[], object]) -> None:
        """Waits for exits and losses until they add up to `reached`."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                self.news.clear()
                await self.news.wait()

    def launch(self, instance: int = 1, *, tree: Mapping[str, tuple[bytes, bool]] = TREE, **how: Any) -> Launch:
        confined = confinement(**how)
        uid = self.host.next_uid(signer=confined.signer, level=confined.level)
        return Launch(instance, os.urandom(16), uid, confined, tree)

    async def start(self, instance: int = 1, **how: Any) -> Peer:
        """A whole start, outside check included."""
        launch = self.launch(instance, **how)
        await self.host.prepare(launch)
        born = await self.host.spawn(launch)
        hello = json.loads(born.end.recv(65536))
        await self.host.inspect(instance)
        return Peer(instance, born.pid, born.end, hello)

    async def settled(self) -> None:
        """Once all that is made for later starts is there."""
        nursery = self.host._open().nursery
        for _, making in list(nursery._next.values()):
            await making
        assert nursery._spare is not None
        await (await nursery._spare)._warm

    @property
    def group(self) -> Path:
        assert self.host._groups is not None
        return self.host._groups.top

    def scope(self) -> Scope:
        limits = self.limits
        return Scope(
            limits.uid_first,
            limits.uid_last,
            limits.keeper_uid,
            self.group,
            (self.directory,),
            network_range=limits.network_range,
        )

    def _on_exit(self, exit_: Exit) -> None:
        self.exits.append(exit_)
        self.news.set()

    def _on_lost(self) -> None:
        self.lost += 1
        self.news.set()


@contextlib.asynccontextmanager
async def ending(rig: Rig) -> AsyncIterator[Rig]:
    """Whatever happens inside, and whether or not the host was attached, nothing runs afterwards."""
    try:
        yield rig
    finally:
        await rig.host.close(ending=True)
        groups = Groups(place(directory=rig.directory), keeper=rig.limits.keeper_uid)
        await groups.end(groups.top)
        for _ in range(3):  # tasks that were cancelled close in the next turns what they were about to get
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def attached(directory: Path) -> AsyncIterator[Rig]:
    """With a keeper of its own; nothing is left of it afterwards."""
    async with ending(Rig(directory)) as rig:
        await rig.attach()
        yield rig
    assert look(rig.scope()) == frozenset()


def keeper_pid(rig: Rig) -> int:
    assert rig.host._ward is not None
    return rig.host._ward.lease.keeper
