"""A check as data, and what it finds: id, title, cost of a lack, explanation, probe, repair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from exod.brokers.doctor.host import Host


class Level(Enum):
    """`WRONG` and `UNKNOWN` make an examination fail; a `WARNING` costs something and breaks nothing."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    level: Level
    what: str


def ok(what: str) -> Verdict:
    return Verdict(Level.OK, what)


def warning(what: str) -> Verdict:
    return Verdict(Level.WARNING, what)


def wrong(what: str) -> Verdict:
    return Verdict(Level.WRONG, what)


def unknown(what: str) -> Verdict:
    return Verdict(Level.UNKNOWN, what)


@dataclass(frozen=True, slots=True)
class Action:
    """One change to the host: what is shown beforehand and recorded, and what is done."""

    description: str
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Check:
    """title: what ought to be, as a sentence. cost: what its lack means. why: the reason behind.

    repair: the actions that would heal it now; none where a person has to decide. protection: whether its lack belongs
    in the daemon's `Degraded`. seconds: how long the probe may take.
    """

    id: str
    title: str
    cost: str
    why: str
    probe: Callable[[Host], Verdict]
    repair: Callable[[Host], Sequence[Action]] | None = None
    protection: bool = False
    seconds: float = 5.0
