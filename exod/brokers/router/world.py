"""What the router needs of the world: who asks it, its clock, and what becomes of its tasks and records."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from exod.brokers import questions


class Asker(questions.Asker, Protocol):
    @property
    def id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class World:
    """note: into the audit. sleep, now: on one clock. spawn: a task whose end somebody watches."""

    note: Callable[..., None]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    spawn: Callable[..., object]
