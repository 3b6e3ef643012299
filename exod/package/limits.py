"""The `[limits]` table: how much of the host an instance may use, with units parsed."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from exod.package.fields import Field, Parsed, Table, Whole

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
SIZE_MAX = 1 << 40
TIME_MAX = 30 * 24 * 3600.0
CPU_MAX = 6400
"""Percent of one core: 64 cores."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, rates per second, times in seconds (0 = unlimited), cpu in percent of one core."""

    memory: int = 64 << 20
    cpu: int = 20
    io: int = 10 << 20
    files: int = 64
    connections: int = 16
    tasks: int = 8
    storage: int = 16 << 20
    call_time: float = 5.0
    run_time: float = 0.0
    messages: int = 10_000


def size(text: str) -> int | None:
    """`64M` → 67108864; K, M and G are powers of 1024."""
    match = re.fullmatch(r"(0|[1-9][0-9]{0,12})([KMG]?)", text)
    value = int(match[1]) * _SIZES[match[2]] if match else SIZE_MAX + 1
    return value if value <= SIZE_MAX else None


def rate(text: str) -> int | None:
    """`10M/s` → 10485760."""
    return size(text[:-2]) if text.endswith("/s") else None


def percent(text: str) -> int | None:
    """`20%` → 20, of one core."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})%", text)
    return int(match[1]) if match and int(match[1]) <= CPU_MAX else None


def duration(text: str) -> float | None:
    """`500ms`, `5s`, `2m`, `1h`, or `0` for without end."""
    if text == "0":
        return 0.0
    match = re.fullmatch(r"([1-9][0-9]{0,6})(ms|s|m|h)", text)
    seconds = int(match[1]) * _TIMES[match[2]] if match else TIME_MAX + 1
    return seconds if seconds <= TIME_MAX else None


def _at_least(least: float, parse: Callable[[str], float | None]) -> Callable[[str], float | None]:
    def checked(text: str) -> float | None:
        value = parse(text)
        return value if value is not None and value >= least else None

    return checked


_DEFAULT = Limits()
_MEMORY = Parsed(_at_least(1 << 20, size), what="a size of 1M to 1024G such as 64M")
_STORAGE = Parsed(size, what="a size such as 16M")
_RATE = Parsed(_at_least(1, rate), what="a rate such as 10M/s")
_CALL_TIME = Parsed(_at_least(0.001, duration), what="a time of 1ms to 720h such as 5s")

TABLE = Table(
    Field("memory", _MEMORY, default=_DEFAULT.memory),
    Field("cpu", Parsed(percent, what="a share of one core such as 20%"), default=_DEFAULT.cpu),
    Field("io", _RATE, default=_DEFAULT.io),
    Field("files", Whole(16, 65536), default=_DEFAULT.files),
    Field("connections", Whole(0, 65536), default=_DEFAULT.connections),
    Field("tasks", Whole(1, 4096), default=_DEFAULT.tasks),
    Field("storage", _STORAGE, default=_DEFAULT.storage),
    Field("call-time", _CALL_TIME, default=_DEFAULT.call_time, to="call_time"),
    Field("run-time", Parsed(duration, what="a time such as 1h, or 0"), default=_DEFAULT.run_time, to="run_time"),
    Field("messages", _RATE, default=_DEFAULT.messages, help="messages a second, such as 10000/s"),
    build=Limits,
)
