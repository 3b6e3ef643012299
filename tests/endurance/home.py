"""A development daemon with users of its own, so that whatever belongs to one of them is its own; and who must not be
disturbed in it: the neighbour, a plugin that counts in memory alone.
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exoctl.trustfiles import anchor_file
from exod.brokers.doctor.residue import Scope, keyrings, look
from exod.linux import procfs
from exod.names import plugin_path
from exod.sandbox.groups import place
from tests.acceptance.residue import left, scope
from tests.adoption import tally
from tests.adoption.callers import service_path
from tests.adoption.house import ENDED, SETTLED, House
from tests.builders import anchor_for, key
from tests.exod.dbus.rig import PLUGIN, PROPERTIES, Failed, variants

UIDS = 65_536
_FIRST = 2_100_000_000
"""Of 256 ranges, one for each process that tests, apart from those of other daemons."""
NEIGHBOUR = "tally-neighbour"
_LOOK_AGAIN = 0.002
_MOMENT = 10.0


@dataclass(frozen=True, slots=True)
class Instance:
    """As the kernel has it while it lives."""

    number: int
    pid: int
    uid: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A plugin on the bus. `fault` is empty unless it is in error."""

    state: str
    instance: int
    pid: int
    fault: Mapping[str, str]


class Home(House):
    """`executed` and `token`: the calls that the neighbour was given, and what only its memory knows."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.neighbour = Shown("", 0, 0, {})
        self.executed = 0
        self.token = ""

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def finished(self, job: str) -> tuple[str, Mapping[str, str]]:
        """How it ended, and its refusal."""
        async with asyncio.timeout(SETTLED):
            while True:
                [row] = await self.client.call("GetAll", "s", ["org.exoos.Exod1.Job"], path=job, interface=PROPERTIES)
                if row["State"].value in ENDED:
                    return row["State"].value, row["Refusal"].value
                await asyncio.sleep(_LOOK_AGAIN)

    async def done(self, job: str) -> None:
        ended, refusal = await self.finished(job)
        assert ended == "done", refusal

    async def start_again(self, plugin: str) -> str:
        """From the store; the job."""
        [job] = await self.ask(plugin, "Load", "a{sv}", variants(start=True))
        return str(job)

    async def unload(self, plugin: str) -> None:
        await self.done((await self.ask(plugin, "Unload"))[0])

    async def remove(self, plugin: str) -> None:
        await self.done((await self.client.call("Remove", "sa{sv}", [plugin, variants(purge=True)]))[0])

    # --- looking ------------------------------------------------------------------------------------------------------

    async def look_at(self, plugin: str) -> Shown:
        """Raises Failed when there is no such plugin."""
        [row] = await self.client.call("GetAll", "s", [PLUGIN], path=plugin_path(plugin), interface=PROPERTIES)
        number = row["Instance"].value.rpartition("/")[2]
        found = row["StateName"].value, int(number) if number.isdigit() else 0, row["ProcessId"].value
        return Shown(*found, row["Fault"].value)

    async def born(self, plugin: str) -> Instance | None:
        """Its instance; None when it has ended already."""
        shown = await self.look_at(plugin)
        with contextlib.suppress(OSError, KeyError):
            if shown.pid:
                return Instance(shown.instance, shown.pid, int(procfs.status(shown.pid)["Uid"].split()[0]))
        return None

    async def living(self, plugin: str) -> Instance:
        found = await self.born(plugin)
        assert found is not None, f"{plugin} has ended: {await self.look_at(plugin)}"
        return found

    async def until(self, plugin: str, *states: str, other_than: int = -1) -> Shown:
        """Once it is in one of them, in another instance. Raises TimeoutError."""
        async with asyncio.timeout(SETTLED):
            while True:
                shown = await self.look_at(plugin)
                if shown.state in states and shown.instance != other_than:
                    return shown
                await asyncio.sleep(_LOOK_AGAIN)

    async def remains(self, instance: Instance | None) -> list[str]:
        """What the finder of residue finds of an instance that has ended; None: which, nobody could see in time."""
        if instance is None:
            return await self.strangers()
        group = place(directory=self.directory) / f"instances/i-{instance.number}"
        of_it = Scope(instance.uid, instance.uid, instance.uid, group, (), own=False)
        return [f"{trace.kind} {trace.what}" for trace in sorted(look(of_it))]

    async def strangers(self) -> list[str]:
        """Groups of instances that no plugin has. One that is being born or buried is in neither place for a moment."""
        until, found = time.monotonic() + _MOMENT, await self._unknown()
        while found and time.monotonic() < until:
            await asyncio.sleep(_LOOK_AGAIN)
            found &= await self._unknown()
        return [f"the group of instance {number} is there, and no plugin has it" for number in sorted(found)]

    async def _unknown(self) -> set[int]:
        found = {int(path.name[2:]) for path in (place(directory=self.directory) / "instances").glob("i-*")}
        rows = [faces[PLUGIN] for faces in (await self.objects()).values() if PLUGIN in faces]
        return found - {int(row["Instance"].rpartition("/")[2] or 0) for row in rows}

    # --- the neighbour ------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """The neighbour lives here from now on."""
        await self.done(await self.load(tally.package(NEIGHBOUR)))
        await self.meet()

    async def meet(self) -> None:
        """As it is now it shall stay."""
        self.neighbour, self.executed = await self.look_at(NEIGHBOUR), 0
        self.token = (await self._report())[0]

    async def greet(self) -> list[str]:
        """One more call to the neighbour; what is wrong with its answer."""
        number = self.executed = self.executed + 1
        try:
            [answer] = await self._service("Count", "t", number)
        except (Failed, TimeoutError) as error:
            return [f"the neighbour did not answer call {number}: {error!r}"]
        return [] if answer == number else [f"the neighbour answered call {number} with {answer}"]

    async def disturbed(self) -> list[str]:
        """Whether the neighbour is another than it was, or knows of other calls than it was given."""
        shown, report = await self.look_at(NEIGHBOUR), await self._report()
        wanted = [self.token, self.executed, self.executed]
        wrong = [] if shown == self.neighbour else [f"the neighbour is {shown}, and was {self.neighbour}"]
        return wrong + ([] if report[:3] == wanted else [f"the neighbour remembers {report[:3]}, not {wanted}"])

    async def _report(self) -> list[Any]:
        [text] = await self._service("Report")
        return list(json.loads(text))

    async def _service(self, member: str, signature: str = "", *body: Any) -> list[Any]:
        where = {"path": service_path(NEIGHBOUR), "interface": tally.INTERFACE}
        return await self.client.call(member, signature, body, **where)


def settings() -> str:
    first = _FIRST + os.getpid() % 256 * (UIDS + 16)
    others = "".join(f"{name}-uid = {first + UIDS + n}\n" for n, name in enumerate(("keeper", "data", "lint")))
    return f"uid-first = {first}\nuid-last = {first + UIDS - 1}\n{others}stop-seconds = 0.25\nstart-seconds = 5\n"


@contextlib.asynccontextmanager
async def home(directory: Path, *, policies: Mapping[str, str] | None = None) -> AsyncIterator[Home]:
    """With the neighbour in it. `policies`: NAME → the text of plugins.d/NAME.toml."""
    made = Home(directory)
    made.claim(
        trust=anchor_file(anchor_for(key(), scope=("tally-*", "faulty-*", "mutant-*"), level="trusted")),
        settings=settings(),
    )
    for name, text in (policies or {}).items():
        file = directory / f"etc/plugins.d/{name}.toml"
        file.write_text(text)
        file.chmod(0o600)
    async with made.inhabited():
        await made.settle()
        yield made


async def leftovers(directory: Path, *, keys: bool = True) -> list[str]:
    """Of a daemon that has ended. `keys`: of this process's daemons before it, too, but they go some time after their
    last user, and are waited for.
    """
    if not keys:
        return left(directory)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLED):
            while keyrings(scope(directory)):  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.05)
    return left(directory) + [f"{trace.kind} {trace.what}" for trace in sorted(keyrings(scope(directory)))]
