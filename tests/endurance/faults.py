"""Faults of plugins: a seed → one fault in a plugin of a real daemon → whether anybody but that plugin suffered.

After each: exod is the same process, the neighbour answers and is who it was, the faulty plugin is sound or has been
named, and of an instance that ended nothing is left. Slots work side by side, each with a plugin of its own that takes
fault after fault until one ends it.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from exod.linux import pidfd
from exod.names import BUS_NAME
from tests.adoption.findings import Findings
from tests.builders import signed_package
from tests.endurance import mutants
from tests.endurance.home import Home, Instance
from tests.exod.dbus.rig import PROPERTIES, Failed, variants

SOURCE = Path(__file__).parent / "faulty"
SLOTS = 4
KINDS = ("bytecode",) * 28 + ("errno",) * 22 + ("garbage",) * 20 + ("greed",) * 16 + ("stopped",) * 8 + ("source",) * 6
WORN = 100
"""So many faults may one instance see."""
NAMED = frozenset(
    ("call-timeout", "instance-lost", "plugin-fault", "bad-answer", "bad-reply", "not-running", "plugin-busy")
)
"""What a caller is told of a plugin's fault."""
POLICIES = {f"{word}-{slot}": 'lint = "off"\n' for word in ("faulty", "mutant") for slot in range(SLOTS)}


@dataclass(slots=True)
class Fault(Findings):
    """`told`: what the plugin said of it, or the code it was named with. `became`: sound, or what its end is called."""

    seed: int = 0
    kind: str = ""
    told: str = ""
    became: str = ""

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.violations, *self.residue]

    def as_json(self) -> str:
        return json.dumps({key: value for key, value in asdict(self).items() if value or key == "seed"})


async def run(home: Home, seeds: Sequence[int], *, report: Callable[[Fault], None]) -> None:
    """Any slot takes the next seed; what a seed does is the same whichever does it."""
    waiting = iter(seeds)
    assert home.process is not None
    with_pid = os.pidfd_open(home.process.pid)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(min(SLOTS, len(seeds))):
                group.create_task(Slot(home, number, lambda: not pidfd.ended(with_pid)).run(waiting, report))
    finally:
        os.close(with_pid)


class Slot:
    """One faulty plugin after the other, under one name."""

    def __init__(self, home: Home, number: int, alive: Callable[[], bool]) -> None:
        self._home, self._alive = home, alive
        self.name, self._mutant = f"faulty-{number}", f"mutant-{number}"
        self._package = package(self.name)
        self._instance: Instance | None = None
        self._installed = False
        self._age = 0

    async def run(self, seeds: Iterator[int], report: Callable[[Fault], None]) -> None:
        for seed in seeds:
            fault = Fault(seed=seed, kind=kind(seed))
            await self._commit(fault)
            report(fault)
        await self._renew(Fault())

    async def _commit(self, fault: Fault) -> None:
        try:
            await {"source": self._source, "stopped": self._stopped}.get(fault.kind, self._inside)(fault)
            fault.violations += await self._home.greet()
            if self._age > WORN:
                await self._renew(fault)
        except (TimeoutError, AssertionError) as error:
            fault.violations.append(f"{type(error).__name__}: {error}")
        if not self._alive():
            fault.violations.append("exod has ended")

    # --- kinds --------------------------------------------------------------------------------------------------------

    async def _inside(self, fault: Fault) -> None:
        """The plugin does it to itself."""
        await self._ready()
        fault.told = await self._told(self._ask("Commit", "st", fault.kind, fault.seed), fault)
        await self._judge(fault)

    async def _stopped(self, fault: Fault) -> None:
        """SIGSTOP: for a call, for the rest of its life, or until exod finds out."""
        await self._ready()
        how = Random(f"stopped {fault.seed}").choices(("call", "unload", "verdict"), (80, 19, 1))[0]
        with self._handle() as send:
            send(signal.SIGSTOP)
            fault.told = f"{how}: {await self._told(self._ask('Alive', 't', 1), fault)}"
            if how == "call":
                send(signal.SIGCONT)
        if how == "verdict":
            await self._home.until(self.name, "error")
        if how == "unload":
            await self._renew(fault)
            fault.became = "unloaded"
        else:
            await self._judge(fault)

    @contextlib.contextmanager
    def _handle(self) -> Iterator[Callable[[int], None]]:
        """What sends a signal to the instance, or to nobody when an earlier fault has ended it by now."""
        handle = -1
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self._instance.pid) if self._instance is not None else -1

        def send(number: int) -> None:
            with contextlib.suppress(ProcessLookupError):
                if handle >= 0:
                    signal.pidfd_send_signal(handle, number)

        try:
            yield send
        finally:
            if handle >= 0:
                os.close(handle)

    async def _source(self, fault: Fault) -> None:
        """A whole package whose source is mutated, from its load to its removal."""
        home, name = self._home, self._mutant
        ended, refusal = await home.finished(await home.load(mutants.package(name, fault.seed), enable=False))
        fault.told = refusal.get("code", ended)
        if ended == "done":
            instance = await home.born(name)
            fault.became = ",".join([await self._told(asked, fault) for asked in self._calls(name)])
            await home.remove(name)
            fault.residue += await home.remains(instance)
        else:
            fault.violations += [] if refusal.get("code") else [f"a load ended {ended} and nothing says why"]
            fault.residue += await home.strangers()

    def _calls(self, name: str) -> Iterator[Awaitable[Any]]:
        where = {"path": _path(name, "echo"), "interface": "org.exoos.Echo1"}
        call = self._home.client.call
        yield call("Echo", "s", ["hello"], **where)
        yield call("Remember", "ss", ["one", "two"], **where)
        yield call("Recall", "s", ["one"], **where)
        yield call("Get", "ss", [where["interface"], "Volume"], path=where["path"], interface=PROPERTIES)
        yield self._configured(name)

    async def _configured(self, name: str) -> str:
        ended, refusal = await self._home.finished(
            (await self._home.ask(name, "Configure", "a{sv}", variants(prefix="x")))[0]
        )
        return ended if ended == "done" else refusal["code"]

    # --- judging ------------------------------------------------------------------------------------------------------

    async def _judge(self, fault: Fault) -> None:
        """Sound; or in error, with the reason; or it does not answer, of which its callers are told."""
        self._age += 1
        answer = await self._told(self._ask("Alive", "t", fault.seed), fault)
        shown = await self._home.look_at(self.name)
        if answer == str(fault.seed + 1) and shown.state == "running":
            fault.became = "sound"
            return
        if answer == "instance-lost" or shown.state == "error":
            shown = await self._home.until(self.name, "error")
            fault.became = _verdict(shown.fault)
            if not fault.became:
                fault.violations.append(f"{self.name} is in error and nothing says why")
        else:
            fault.became = f"answers {answer}"
        await self._renew(fault)

    async def _told(self, asked: Awaitable[Any], fault: Fault) -> str:
        """The answer, or the code that the caller got instead."""
        try:
            answer = await asked
        except Failed as error:
            code = str(error.body[1]) if len(error.body) > 1 else error.name
            if code not in NAMED and not error.name.endswith(".UnknownObject"):
                fault.violations.append(f"a caller was told {error}")
            return code
        return str(answer[0])[:80] if isinstance(answer, list) and answer else str(answer or "nothing")

    def _ask(self, member: str, signature: str, *body: Any) -> Awaitable[list[Any]]:
        where = {"path": _path(self.name, "faulty"), "interface": "org.exoos.Faulty1"}
        return self._home.client.call(member, signature, body, **where)

    # --- instances ----------------------------------------------------------------------------------------------------

    async def _ready(self) -> None:
        """A new plugin has no crashes behind it, so that nobody's calls are refused for them."""
        if not self._installed:
            await self._home.done(await self._home.load(self._package, enable=False))
            self._installed, self._instance, self._age = True, await self._home.born(self.name), 0

    async def _renew(self, fault: Fault) -> None:
        """Whatever it is doing, it can be removed; and then nothing of it is left."""
        if self._installed:
            await self._home.remove(self.name)
            fault.residue += await self._home.remains(self._instance)
        self._installed = False


def kind(seed: int) -> str:
    return Random(f"kind {seed}").choice(KINDS)


def package(name: str) -> bytes:
    manifest = (SOURCE / "package.toml").read_text().replace('"faulty-0"', f'"{name}"', 1).encode()
    code = {f"code/{file.name}": file.read_bytes() for file in sorted((SOURCE / "code").glob("*.py"))}
    return signed_package(issued=int(time.time()), manifest=manifest, extra=code)


def _path(plugin: str, service: str) -> str:
    return f"/{BUS_NAME.replace('.', '/')}/service/{plugin.replace('-', '_')}/{service}"


def _verdict(fault: Mapping[str, str]) -> str:
    """Its code, with what the kernel or the monitor said."""
    more = fault.get("evidence.limit") or fault.get("evidence.cause") or ""
    return f"{fault['code']} {more} {fault.get('evidence.status', '')}".strip() if fault.get("sentence") else ""
