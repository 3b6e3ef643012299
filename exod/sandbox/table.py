"""What a keeper knows, as a value that survives its re-execution: table ↔ JSON in a sealed memfd."""

import dataclasses
import fcntl
import json
import os
from dataclasses import dataclass, field

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(slots=True)
class Instance:
    """`channel` and `log`: duplicates of exod's ends. `pid` is 0 and `pidfd` -1 until bound."""

    channel: int
    log: int
    nonce: str
    pid: int = 0
    pidfd: int = -1


@dataclass(slots=True)
class Table:
    """Descriptors are numbers: they stay open across the execution. `zygotes` and `nameless`: pidfd → pid.

    nameless: children that nobody bound and that are only waited for. waiting: connections not yet served. epoch: how
    often all of it was taken over.
    """

    listener: int
    epoch: int = 0
    holder: int = -1
    holder_pidfd: int = -1
    holder_pid: int = 0
    waiting: list[int] = field(default_factory=list)
    instances: dict[int, Instance] = field(default_factory=dict)
    exits: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    zygotes: dict[int, int] = field(default_factory=dict)
    nameless: dict[int, int] = field(default_factory=dict)

    def polled(self) -> list[int]:
        mine = [self.listener, self.holder, self.holder_pidfd, *self.zygotes, *self.nameless]
        mine += [instance.pidfd for instance in self.instances.values()]
        return [descriptor for descriptor in mine if descriptor >= 0]

    def descriptors(self) -> list[int]:
        kept = [descriptor for one in self.instances.values() for descriptor in (one.channel, one.log)]
        return [*self.polled(), *self.waiting, *kept]


def store(table: Table) -> int:
    """A sealed memfd that a next image of this process can read."""
    memory = os.memfd_create("keeper", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(memory, "wb", closefd=False) as file:
        file.write(json.dumps(dataclasses.asdict(table)).encode())
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
    return memory


def load(memory: int) -> Table:
    """Raises ValueError if the memfd is not sealed."""
    if fcntl.fcntl(memory, fcntl.F_GET_SEALS) != _SEALS:
        raise ValueError("the table is not sealed")
    data = json.loads(os.pread(memory, os.fstat(memory).st_size, 0))
    os.close(memory)
    table = Table(**data)
    table.instances = {int(id_): Instance(**row) for id_, row in data["instances"].items()}
    table.exits = {int(id_): (row[0], row[1], row[2]) for id_, row in data["exits"].items()}
    table.zygotes = {int(pidfd): pid for pidfd, pid in data["zygotes"].items()}
    table.nameless = {int(pidfd): pid for pidfd, pid in data["nameless"].items()}
    return table
