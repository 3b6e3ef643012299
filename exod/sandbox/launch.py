"""What goes into the sandbox and comes out: one start, one end, and what the keeper still holds."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from exod.package.limits import Limits
from exod.plan.confine import Confinement

Lend = Callable[[int, tuple[int, int]], int | None]
"""A descriptor, its owner's uid and gid → a mount in which the instance is that owner; None where that cannot be."""

Grants = Callable[[Confinement, Lend], list[int]]
"""A detached mount for each of a Confinement's files and then of what is writable; raises Refused."""

Domain = Callable[[int, Sequence[int], Confinement], int | None]
"""A root, what is written to below it, whose → the Landlock ruleset of that; None on a kernel without Landlock."""


class Holder(Protocol):
    """Tells the kernel what instances may use: of `instances` once, of a group before anything is in it. starved:
    whether what was in the group died of its own limit of memory.
    """

    def begin(self, top: Path, instances: Path) -> None: ...
    def hold(self, group: Path, limits: Limits) -> None: ...
    def starved(self, group: Path) -> bool: ...


class Wires(Protocol):
    """Networks of instances' own, laid into an empty namespace before the fork, taken up at the end; shown: of one."""

    async def connect(self, instance: int, confinement: Confinement, network: int) -> None: ...
    def adopt(self, instance: int, confinement: Confinement) -> None: ...
    async def disconnect(self, instance: int) -> None: ...
    def shown(self, instance: int) -> Mapping[str, str]: ...


class Drain(Protocol):
    """Empties one instance's pipe until it is closed, which takes what is still in it; twice is fine."""

    def close(self) -> None: ...


class Logs(Protocol):
    """Where it goes that instances write. drain: what empties the pipe whose reading end is `end`, and closes it."""

    def drain(self, plugin: str, end: int, *, instance: int) -> Drain: ...
    def tail(self, plugin: str, lines: int) -> Sequence[str]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Launch:
    """One start. `tree` is the verified archive, path → (bytes, executable); `state` whether /state is bound."""

    instance: int
    nonce: bytes
    uid: int
    confinement: Confinement
    tree: Mapping[str, tuple[bytes, bool]]


@dataclass(frozen=True, slots=True)
class Born:
    """A forked instance, bound at the keeper: its pid on the host, its cgroup's id, exod's end of the channel."""

    pid: int
    cgroup: int
    end: socket.socket


@dataclass(frozen=True, slots=True)
class Exit:
    """How an instance ended: cause is exited, signal, seccomp (a call that it ends for), oom, lost or ended (by
    us); status its code or signal number.
    """

    instance: int
    cause: str
    status: int


@dataclass(frozen=True, slots=True)
class Survivor:
    """What the keeper still holds at start. `epoch` is the same for all: one higher at each take-over."""

    instance: int
    pid: int
    nonce: bytes
    cgroup: int
    epoch: int
