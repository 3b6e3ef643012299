"""The `[limits]` table: how much of the host an instance may use, with units parsed."""

from dataclasses import dataclass


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
