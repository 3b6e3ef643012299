"""Loads and unloads: number → one cycle of a plugin's life, and what is left of it when it is over."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from exod.names import BUS_NAME
from tests.adoption import tally
from tests.adoption.callers import service_path
from tests.adoption.findings import Findings
from tests.endurance import gauges
from tests.endurance.home import Home

SUBJECT = "tally-cycle"
KINDS = ("from the store", "removed", "not started", "suspended", "called")


@dataclass(slots=True)
class Cycle(Findings):
    number: int = 0
    kind: str = ""
    gauge: gauges.Gauge | None = None

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.violations, *self.residue]

    def as_json(self) -> str:
        return json.dumps({"part": "cycles"} | asdict(self))


async def run(home: Home, numbers: Sequence[int], *, report: Callable[[Cycle], None]) -> None:
    package, installed = tally.package(SUBJECT), False
    assert home.process is not None
    for number in numbers:
        cycle = Cycle(number=number, kind=KINDS[number % len(KINDS)])
        start = cycle.kind != "not started"
        stored = installed and start
        await home.done(await (home.start_again(SUBJECT) if stored else home.load(package, start=start)))
        instance = await home.living(SUBJECT)
        await _live(home, cycle)
        installed = cycle.kind != "removed"
        await (home.unload(SUBJECT) if installed else home.remove(SUBJECT))
        cycle.residue += await home.remains(instance)
        cycle.residue += await home.strangers()
        cycle.violations += await home.greet()
        cycle.gauge = gauges.look(home.process.pid)
        report(cycle)


async def _live(home: Home, cycle: Cycle) -> None:
    if cycle.kind == "suspended":
        await home.done((await home.ask(SUBJECT, "Suspend"))[0])
    elif cycle.kind == "called":
        calls = [
            home.client.call("Count", "t", [number], path=service_path(SUBJECT), interface=tally.INTERFACE)
            for number in range(1, 9)
        ]
        answers = [answer for [answer] in await asyncio.gather(*calls)]
        cycle.violations += [] if answers == [*range(1, 9)] else [f"{BUS_NAME} answered {answers}"]
