"""A development daemon with fifty plugins, seen from outside: started, killed, asked, compared with what it should be.

Three sources have to agree: what exod shows on the bus, what its registry holds (read from a copy, between two exods),
and what the kernel says: the keeper's children, each in a group of its own.
"""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exod.names import BUS_NAME, plugin_path
from exod.sandbox.groups import place
from tests.adoption import tally
from tests.adoption.callers import Caller, Ledger, service_path
from tests.adoption.findings import Findings
from tests.adoption.house import ENDED, SETTLED, House, cancel
from tests.adoption.kernel import instances_of, parent_of, used_by
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import PLUGIN

SIZE, CALLERS, TOGETHER = 50, 4, 2
"""Plugins; clients, and the calls that each has under way at once."""
SUBJECT = "tally-subject"
"""The fifty-first, which jobs are done to."""
AT_ONCE, IN_FLIGHT = 12, 16
"""Jobs and calls of one caller, of whom exod takes 16 and 32: a call that was answered still counts for a moment, while
the next are sent."""
MOVING = ("loading", "unloading")


@dataclass(frozen=True, slots=True)
class Member:
    """One instance that shall not notice anything. `token` is in its memory alone; "" where it cannot be asked."""

    state: str
    instance: int
    pid: int
    token: str


class Fleet(House):
    """Everything after `raised` happens to the same fifty processes."""

    def __init__(self, directory: Path, *, seed: int = 1) -> None:
        self.marks = directory / "marks"
        super().__init__(directory, environment={"EXOD_CHECKPOINTS": str(self.marks)})
        self.ledger = Ledger()
        self.members: dict[str, Member] = {}
        self.keeper = 0
        self._seed = seed
        self._callers: list[asyncio.Task[None]] = []
        self._reported: dict[str, tuple[int, int]] = {}

    # --- raising ------------------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        return [f"tally-{number:02}" for number in range(SIZE)]

    async def raised(self) -> None:
        """Loads all; two stay loaded, two are suspended, the rest runs."""
        everybody = [*self.names, SUBJECT]
        for first in range(0, len(everybody), AT_ONCE):
            some = everybody[first : first + AT_ONCE]
            await self.over([await self.load(tally.package(name), start=name not in self.names[:2]) for name in some])
        await self.over([(await self.ask(name, "Suspend"))[0] for name in self.names[2:4]])
        await self.learn()

    async def restored(self) -> None:
        """Waits until all are in the states they were in, in other processes."""
        wanted = {name: member.state for name, member in self.members.items()}
        gone = {member.pid for member in self.members.values()}
        async with asyncio.timeout(SETTLED):
            while True:
                shown = await self.shown()
                if all(shown[name].state == state and shown[name].pid not in gone for name, state in wanted.items()):
                    return

    async def learn(self) -> None:
        """What is now is what shall stay."""
        shown = await self.shown()
        self.keeper = parent_of(shown[self.names[0]].pid)
        for name, seen in shown.items():
            token = str((await self.report(name))[0]) if seen.state == "running" else ""
            shown[name] = Member(seen.state, seen.instance, seen.pid, token)
        del shown[SUBJECT]
        self.members = shown
        self._reported.clear()

    # --- asking -------------------------------------------------------------------------------------------------------

    async def shown(self) -> dict[str, Member]:
        """As the bus shows them, in any state."""
        rows = [faces[PLUGIN] for faces in (await self.objects()).values() if PLUGIN in faces]
        return {row["Name"]: _member(row) for row in rows}

    async def count(self, plugin: str, number: int) -> None:
        await self.client.call("Count", "t", [number], path=service_path(plugin), interface=tally.INTERFACE)

    async def report(self, plugin: str) -> list[Any]:
        """token, numbers seen, calls executed, beats."""
        [text] = await self.client.call("Report", path=service_path(plugin), interface=tally.INTERFACE)
        found: list[Any] = json.loads(text)
        return found

    # --- the daemon's process -----------------------------------------------------------------------------------------

    async def adopted(self) -> tuple[float, float]:
        """Waits until all that has to live is shown; seconds from the execution until then, and how many of them exod
        used: a busy host makes the first longer, and not the second.
        """
        await self.present()
        async with asyncio.timeout(SETTLED):
            while len((await self.client.call("ListLoaded"))[0]) < len(self.members):
                pass
        assert self.process is not None
        return time.monotonic() - self.began, used_by(self.process.pid)

    async def settled(self, plugin: str) -> str:
        """Its state, once it is not on its way to another and none of its jobs is open."""
        async with asyncio.timeout(SETTLED):
            while True:
                objects = await self.objects()
                state = str(objects[plugin_path(plugin)][PLUGIN]["StateName"])
                if state not in MOVING and all(row["State"] in ENDED for row in _jobs(objects)):
                    return state

    # --- judging ------------------------------------------------------------------------------------------------------

    async def judge(self, found: Findings) -> None:
        """All fifty as they were, and nobody wiser for it."""
        objects = await self.objects()
        rows = [faces[PLUGIN] for faces in objects.values() if PLUGIN in faces]
        shown = {row["Name"]: _member(row) for row in rows}
        for name, member in self.members.items():
            seen = shown.get(name)
            if seen is None or (seen.state, seen.instance, seen.pid) != (member.state, member.instance, member.pid):
                found.lost.append(f"{name} is {seen}, and was {member}")
        opened = [row for row in _jobs(objects) if row["State"] not in ENDED]
        found.violations += [f"job {row['Id']} is {row['State']}" for row in opened]
        running = [name for name, seen in shown.items() if seen.state == "running" and name in self.members]
        for first in range(0, len(running), IN_FLIGHT):
            some = running[first : first + IN_FLIGHT]
            for name, report in zip(some, await asyncio.gather(*map(self.report, some)), strict=True):
                self._remembers(name, report, found)
        self._kernel(shown, found)
        found.violations += self.ledger.wrong
        self.ledger.wrong.clear()

    def _remembers(self, name: str, report: list[Any], found: Findings) -> None:
        token, numbers, executed, beats = report
        before = self._reported.get(name, (0, 0))
        if token != self.members[name].token or numbers < before[0] or beats < before[1]:
            found.lost.append(f"{name} has forgotten: {report} after {before}")
        if executed != numbers:
            found.violations.append(f"{name} executed {executed} calls for {numbers} numbers")
        self._reported[name] = numbers, beats

    def _kernel(self, shown: Mapping[str, Member], found: Findings) -> None:
        """The keeper's children are the instances that are shown, each in its own group."""
        wanted = {seen.pid: seen.instance for seen in shown.values() if seen.pid}
        living = instances_of(self.keeper)
        if living != wanted:
            found.violations.append(f"the keeper has {sorted(living.items())}, shown is {sorted(wanted.items())}")
        groups = {int(path.name[2:]) for path in (place(directory=self.directory) / "instances").glob("i-*")}
        if extra := groups - set(wanted.values()):
            found.residue.append(f"groups of instances that are gone: {sorted(extra)}")

    def compare_registry(self, found: Findings, *, job: bool) -> None:
        """Between two exods. `job`: one was cut off, so that the two may differ in what it was about."""
        with tempfile.TemporaryDirectory(prefix="exod-registry-") as copy:
            for path in self.directory.glob("lib/registry.sqlite*"):
                shutil.copy(path, copy)
            with contextlib.closing(sqlite3.connect(Path(copy) / "registry.sqlite")) as database:
                registered = dict(database.execute("SELECT pid, id FROM instances WHERE pid != 0"))
        living = instances_of(self.keeper)
        mine = {member.pid for member in self.members.values()} if job else {*registered, *living}
        for pid in sorted(mine):
            if registered.get(pid) != living.get(pid):
                found.violations.append(f"{pid} is registered as {registered.get(pid)}, and is {living.get(pid)}")

    async def hush(self, found: Findings) -> None:
        """No calls from here on. Every call that was answered was executed, as the plugin remembers it; and no instance
        was ever blamed for what it said to an exod that is gone.
        """
        await cancel(self._callers)
        found.violations += self.ledger.wrong
        audit = [line for path in self.directory.glob("lib/audit/*") for line in path.read_text().split("\n")]
        found.violations += [line for line in audit if '"event":"strike"' in line]
        for name, numbers in self.ledger.answered.items():
            for start in range(0, len(numbers), 1000):
                some = numbers[start : start + 1000]
                where = {"path": service_path(name), "interface": tally.INTERFACE}
                [missing] = await self.client.call("Missing", "at", [some], **where)
                found.violations += [f"the call {one} of {name} was answered and not executed" for one in missing]


@contextlib.asynccontextmanager
async def fleet(directory: Path, *, seed: int = 1, calls: bool = True) -> AsyncIterator[Fleet]:
    """Raised, under calls, and taken down again whatever happens; what is left after that is for the caller to see."""
    made = Fleet(directory, seed=seed)
    made.claim(trust=tally.trust())
    made.marks.mkdir(exist_ok=True)
    async with made.inhabited(), contextlib.AsyncExitStack() as stack:
        await made.raised()
        busy = [name for name in made.names if made.members[name].state == "running"]
        for number in range(CALLERS if calls else 0):
            client = await stack.enter_async_context(rigs.client(made.address))
            caller = Caller(client, made.ledger, busy, made._present, made._seed * CALLERS + number)
            made._callers += [asyncio.create_task(caller.run()) for _ in range(TOGETHER)]
            made._callers.append(asyncio.create_task(caller.listen(busy[number])))
        try:
            yield made
        finally:
            await cancel(made._callers)


def _member(row: Mapping[str, Any]) -> Member:
    number = row["Instance"].rpartition("/")[2]
    return Member(row["StateName"], int(number) if number.isdigit() else 0, row["ProcessId"], "")


def _jobs(objects: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    return [faces[f"{BUS_NAME}.Job"] for faces in objects.values() if f"{BUS_NAME}.Job" in faces]
