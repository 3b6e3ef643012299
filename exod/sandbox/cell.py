"""All that exod holds of one instance between prepare and discard; what was opened is closed here, once."""

import os
import socket
from dataclasses import dataclass, field

from exod.sandbox.generation import Zygote
from exod.sandbox.logs import Drain
from exod.sandbox.nursery import Key

NONE = -1


@dataclass(slots=True)
class Cell:
    """Descriptors that only the fork needs, in the order of a request, and what stays with the instance.

    `key` and `zygote` are unset for an instance that an earlier exod started.
    """

    instance: int
    plugin: str = ""
    uid: int = 0
    key: Key = ("", "")
    zygote: Zygote | None = None
    fork_fds: list[int] = field(default_factory=list)
    files: int = 0
    state: bool = False
    network: int = 0
    drain: Drain | None = None
    end: socket.socket | None = None
    pid: int = 0
    pidfd: int = NONE
    cgroup: int = 0
    deposited: bool = False
    ending: bool = False
    ended: bool = False

    def forked(self) -> None:
        """Closes what the child has its own copies of."""
        while self.fork_fds:
            os.close(self.fork_fds.pop())

    def close(self) -> None:
        self.forked()
        if self.drain is not None:
            self.drain.close()
        if self.pidfd != NONE:
            os.close(self.pidfd)
            self.pidfd = NONE
        # `end` is the supervisor's from the moment it was returned; until then, and of survivors, it is ours.
        if self.end is not None:
            self.end.close()
            self.end = None


@dataclass(frozen=True, slots=True)
class Born:
    """A forked instance, bound at the keeper."""

    pid: int
    cgroup: int
    end: socket.socket
