"""What goes wrong, and when: one place that every fake asks before and after it acts. Deterministic from its seed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.loop import VirtualLoop


@dataclass(slots=True)
class Trace:
    """Everything that happened, a line each; the same seed has to give the same lines."""

    loop: VirtualLoop | None = None
    lines: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        now = self.loop.time() if self.loop is not None else 0.0
        self.lines.append(f"{now:.6f} {text}")


class Killed(BaseException):
    """Raised at a checkpoint, where nothing can wait for ever; nothing in the daemon may catch it."""


@dataclass(slots=True)
class Fate:
    """One incarnation of the daemon. `crash_at` counts effects; `errno_rate` and `slow_rate` are probabilities.

    dead: the daemon was killed; whatever it still does has no effect and never returns.
    """

    random: Random
    trace: Trace
    crash_at: int | None = None
    crash_point: str | None = None
    crash_nth: int = 1
    errno_rate: float = 0.0
    slow_rate: float = 0.0
    fail: Callable[[str], bool] | None = None
    dead: bool = False
    effects: int = 0
    points: list[str] = field(default_factory=list)
    on_death: Callable[[], None] | None = None
    on_point: Callable[[str], None] | None = None

    def die(self, where: str) -> None:
        if not self.dead:
            self.dead = True
            self.trace.note(f"KILL at {where}")
            if self.on_death is not None:
                self.on_death()

    async def effect(self, name: str, act: Callable[[], Any]) -> Any:
        """An effect on the world: may be preceded or followed by death, may fail, may be slow; else it happens."""
        if self.dead:
            await _never()
        self.effects += 1
        await asyncio.sleep(0)  # a real port always lets others run
        await self._delay()
        if self.effects == self.crash_at:
            self.die(f"before {name}")
        if self.dead:
            await _never()
        if self._fails(name):
            self.trace.note(f"FAIL {name}")
            raise OSError(28 if self.random.random() < 0.5 else 5, "injected")
        result = act()
        self.trace.note(name)
        self.effects += 1
        if self.effects == self.crash_at:
            self.die(f"after {name}")
            await _never()
        return result

    def checkpoint(self, point: str) -> None:
        """The executor's hook: death exactly there."""
        if self.dead:
            return
        self.points.append(point)
        if self.on_point is not None:
            self.on_point(point)
        if point == self.crash_point:
            self.crash_nth -= 1
            if self.crash_nth == 0:
                self.die(point)
                raise Killed(point)

    def _fails(self, name: str) -> bool:
        if self.fail is not None and self.fail(name):
            return True
        return self.errno_rate > 0 and self.random.random() < self.errno_rate

    async def _delay(self) -> None:
        if self.slow_rate and self.random.random() < self.slow_rate:
            await asyncio.sleep(self.random.choice((0.001, 0.05, 1.0)))


async def _never() -> None:
    await asyncio.get_running_loop().create_future()
