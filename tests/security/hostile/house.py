"""Real sandboxes for attempts: a Rig whose runtime holds the tests' own SDK, one for each kind of zygote."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from exod.linux.numbers import NUMBERS
from exod.plan.confine import LAYERS, Confinement
from exod.sandbox.frames import Frame
from exod.sandbox.host import Host
from exod.sandbox.launch import Exit, Launch, Lend
from exod.sandbox.uids import BLOCK
from tests.exod.sandbox.rig import LIMITS, Rig, ending, free_zygotes
from tests.security.hostile import layers
from tests.security.hostile.attempt import Code, source

SDK = Path(__file__).parent / "sdk"
HELPER, _ATTACK = "helper", "_attack.abi3.so"
BLOCKS = 10
"""Of uids, for each house: the rig's range has room for three houses."""
PATIENCE = 10.0
CLD_DUMPED = 3
TOGETHER = 4
"""Uids that one attempt takes, all of one zygote, and one that nobody has."""
TREE = {"code/hello.py": (b"GREETING = 'hello'\n", False), "manifest.toml": (b"[plugin]\n", False)}
MACHINE_CODE = {"code/answer.bin": (b"\xb8\x2a\x00\x00\x00\xc3", False)}
"""mov eax, 42; ret: what a package with `native` brings."""


def compiled(directory: Path) -> Path:
    """Fills `directory` with what is not Python: for any Python since 3.11, so that a host without a compiler has it.

    The module for raw calls, and a program that runs where there is no library.
    """
    include = f"-I{sysconfig.get_path('include')}"
    _cc("-O1", "-shared", "-fPIC", include, SDK / "_attack.c", into=directory / _ATTACK)
    _cc("-Os", "-static", "-nostdlib", "-Wl,--build-id=none", SDK / "helper.c", into=directory / HELPER)
    return directory


def brought(tools: Path) -> tuple[bytes, bytes]:
    """A program and a library of the host."""
    return (tools / HELPER).read_bytes(), (tools / _ATTACK).read_bytes()


def _cc(*arguments: str | Path, into: Path) -> None:
    subprocess.run(["cc", *map(str, arguments), "-o", str(into)], check=True)


def build(directory: Path, tools: Path, *, left_out: frozenset[str]) -> Path:
    """The SDK of one house: the tests' runner, the module for raw calls, and what its zygotes have to do without."""
    sdk = directory / "exosdk"
    shutil.copytree(SDK / "exosdk", sdk, ignore=shutil.ignore_patterns("__pycache__"))
    (sdk / "numbers.py").write_text(f"NUMBERS = {NUMBERS!r}\n")
    (sdk / "left_out.py").write_text(f"LEFT_OUT = {sorted(left_out)!r}\n")
    shutil.copy(tools / _ATTACK, sdk)
    return sdk


def state(process: int) -> str:
    """X for one that is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


@dataclass
class Plugin:
    """One running instance with an attempt in it, from outside."""

    instance: int
    pid: int
    uid: int
    end: socket.socket
    zygote: int

    @property
    def state(self) -> str:
        return state(self.pid)

    def order(self, code: Code, told: Mapping[str, Any]) -> dict[str, Any] | None:
        """What came of it; None when it ended instead of answering."""
        self.end.settimeout(PATIENCE)
        order = json.dumps([source(code), code.__name__, told]).encode()
        try:
            self.end.send(order)
            answer = self.end.recv(1 << 16)
        except ConnectionError:
            answer = b""
        return json.loads(answer) if answer else None


class Site(Rig):
    """A Rig that opens grants as its attempts want them opened."""

    without: frozenset[str] = frozenset()

    def make(self) -> Host:
        host = super().make()
        host._places = replace(host._places, grants=self.granted)
        return host

    def granted(self, confinement: Confinement, lend: Lend) -> list[int]:
        return layers.granted(confinement, lend, without=self.without)


@dataclass
class House:
    rig: Site
    started: int = 0
    living: list[Plugin] = field(default_factory=list)
    dumps: set[int] = field(default_factory=set)

    async def start(
        self,
        *,
        without: frozenset[str],
        files: tuple[str, ...] = (),
        stdio: int = -1,
        uid: int = 0,
        native: bool = False,
        state: bool = False,
        network: tuple[str, ...] = (),
    ) -> Plugin:
        """A whole start, outside check included; raises Refused as a supervisor would see it. Takes `stdio`."""
        self.started += 1
        self.rig.without = without
        if state:
            data = self.rig.directory / "data/hello"
            data.mkdir()
            os.chown(data, LIMITS.data_uid, LIMITS.data_uid)
        tree, permissions = (TREE | MACHINE_CODE, {"native": ("true",)}) if native else (TREE, {"network": network})
        launch = self.rig.launch(self.started, tree=tree, files=files, permissions=permissions)
        confinement = replace(launch.confinement, layers=LAYERS - {*layers.within(without)})
        launch = replace(launch, confinement=confinement, uid=uid or launch.uid)
        try:
            plugin = await self._started(launch, stdio)
            if network:
                layers.open_rules(without, plugin.pid, self.rig.limits.network_range)
            return plugin
        except BaseException:
            await self.rig.host.discard(launch.instance)
            raise

    async def _started(self, launch: Launch, stdio: int) -> Plugin:
        instance, host = launch.instance, self.rig.host
        await host.prepare(launch)
        cell = host._cells[instance]
        if stdio >= 0:
            os.close(cell.fork["log"])
            cell.fork["log"] = stdio
        assert cell.zygote is not None
        zygote = cell.zygote.pid
        born = await host.spawn(launch)
        plugin = Plugin(instance, born.pid, launch.uid, born.end, zygote)
        self.living.append(plugin)
        plugin.end.settimeout(PATIENCE)
        assert plugin.end.recv(64) == b"ready"
        await host.inspect(instance)
        return plugin

    def next_uid(self) -> tuple[int, int]:
        """For an instance, and another of the same generation that none has."""
        host = self.rig.host
        uid = host.next_uid(signer="s", level="l")
        while (last := host._uids.block(uid).last) - uid < TOGETHER:
            uid = host.next_uid(signer="s", level="l")
        return uid, last

    def retire(self) -> None:
        """The next instance comes from another zygote."""
        assert self.rig.host._ward is not None
        self.rig.host._ward.nursery.retire(("s", "l"))

    def dumped(self, plugin: Plugin) -> bool:
        return plugin.instance in self.dumps

    def note_dumps(self) -> None:
        """Before it is attached: what the keeper learned of an end, and exod makes no use of."""
        told = self.rig.host._exited

        def exited(frame: Frame) -> None:
            if frame.ref == CLD_DUMPED:
                self.dumps.add(frame.id)
            told(frame)

        self.rig.host._exited = exited  # type: ignore[method-assign]

    async def ended(self, plugin: Plugin) -> Exit:
        await self.rig.until(lambda: any(exit_.instance == plugin.instance for exit_ in self.rig.exits))
        return next(exit_ for exit_ in self.rig.exits if exit_.instance == plugin.instance)

    async def empty(self) -> None:
        """Ends what runs, and whatever it left."""
        for plugin in self.living:
            plugin.end.close()
        await asyncio.gather(*(self.rig.host.discard(plugin.instance) for plugin in self.living))
        self.living.clear()
        shutil.rmtree(self.rig.directory / "data/hello", ignore_errors=True)


@contextlib.asynccontextmanager
async def opened(directory: Path, tools: Path, *, number: int, left_out: frozenset[str]) -> AsyncIterator[House]:
    """Ended with all that is in it."""
    os.mkdir(directory)
    first = LIMITS.uid_first + number * BLOCKS * BLOCK
    limits = replace(LIMITS, uid_first=first, uid_last=first + BLOCKS * BLOCK - 1)
    house = House(Site(directory, limits, build(directory, tools, left_out=left_out)))
    async with ending(house.rig):
        house.note_dumps()
        # Zygotes of no house have a filter of their own: instances inherit it, and it repeats what theirs forbids.
        with free_zygotes(), layers.around_the_keeper(left_out):
            await house.rig.attach()
        try:
            yield house
        finally:
            await house.empty()
