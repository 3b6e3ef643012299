"""All that exod holds of one instance between prepare and discard; what was opened is closed here, once."""

import asyncio
import os
import socket
from dataclasses import dataclass, field

from exod.linux.descriptors import close
from exod.plan.confine import LAYERS, Layer
from exod.sandbox.generation import Zygote
from exod.sandbox.launch import Drain
from exod.sandbox.nursery import Key

NONE = -1


@dataclass(slots=True)
class Cell:
    """`fork`, `granted` and `targets` are descriptors for the child, and gone once it is forked. A granted file is
    bound over the target of the same place.

    `end` is the supervisor's from the moment it was returned; until then, and of a survivor, it is ours. `log` is what
    a survivor's log is read from, until something drains it. inert: its machine code was loaded, and no more will be.
    """

    instance: int
    plugin: str = ""
    uid: int = 0
    key: Key = ("", "")
    zygote: Zygote | None = None
    fork: dict[str, int] = field(default_factory=dict)
    granted: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    network: int = 0
    drain: Drain | None = None
    log: int = NONE
    end: socket.socket | None = None
    pid: int = 0
    pidfd: int = NONE
    cgroup: int = 0
    layers: frozenset[Layer] = LAYERS
    inert: bool = False
    ending: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def forked(self) -> None:
        """Closes what the child has its own copies of."""
        close(self.granted)
        close(self.targets)
        while self.fork:
            os.close(self.fork.popitem()[1])

    def close(self) -> None:
        self.forked()
        if self.zygote is not None:
            self.zygote.forgotten(self.instance)
        if self.drain is not None:
            self.drain.close()
        close([descriptor for descriptor in (self.pidfd, self.log) if descriptor != NONE])
        self.pidfd = self.log = NONE
        if self.end is not None:
            self.end.close()
            self.end = None
