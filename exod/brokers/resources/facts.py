"""What the kernel says of an instance: files of its cgroup, and of /proc where the cgroup has no controller for it.

Reads only what costs microseconds and waits for no lock of the process; `private_memory` does wait, in a thread.
"""

import contextlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from exod.brokers.resources import storage
from exod.linux import cgroupfs

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGESIZE")
_NICE: Final = 0.8
"""The share of the memory allowed from where on it is worth the time to know how much of it could be had back."""
_COUNTS_DIRECTLY: Final = os.stat("/proc/self/fd").st_size > 0
"""Since Linux 6.2 a directory of descriptors says how many they are; before, they have to be listed."""
_COUNTS_DISKS: Final = os.path.exists("/proc/self/io")
_PRIVATE: Final = ("Private_Clean:", "Private_Dirty:")
_SHARE: Final = ("Pss:",)
"""Where there are several processes: what a fork shares with its parent is private to neither."""


class Gone(Exception):
    """There is no such process, or it is another one by now."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Sums since its birth and numbers of now, in the units of rules.Usage. sure: whether `memory` is only its own."""

    memory: int
    sure: bool
    cpu_time: int
    files: int
    tasks: int
    transferred: int
    refused: int
    age: float


class Instance:
    """Where to look for one. It is known by when it was born: a pid may be another's by the next look."""

    def __init__(self, group: Path, pid: int, *, held: Collection[str]) -> None:
        self._group, self._proc, self._held = f"{group}/", f"/proc/{pid}/", held
        self._born = self._stat()[19]

    def read(self, *, memory_allowed: int) -> Reading:
        """Raises Gone, and OSError for what the kernel refuses to tell."""
        stat = self._stat()
        if stat[19] != self._born:
            raise Gone
        memory, sure = self._memory(memory_allowed)
        tasks, refused = self._tasks()
        return Reading(
            memory=memory,
            sure=sure,
            cpu_time=_field(self._text("cpu.stat"), "usage_usec "),
            files=self._sum(_descriptors),
            tasks=tasks,
            transferred=self._transferred(),
            refused=refused,
            age=time.clock_gettime(time.CLOCK_BOOTTIME) - int(self._born) / _TICK,
        )

    def private_memory(self) -> int:
        """What it shares with nobody, such as the zygote it was forked from. Waits for the process's memory map."""
        alone = len(self._family()) == 1
        return self._sum(partial(_rolled_up, _PRIVATE if alone else _SHARE))

    def nameless(self, *, device: int, enough: int) -> int:
        """Of its processes: storage.nameless."""
        return storage.nameless(self._family(), device=device, enough=enough)

    def pressure(self) -> Mapping[str, float]:
        """cpu, io, memory → percent of the last ten seconds in which some of it stood still for want of it."""
        found = {}
        for what in ("cpu", "io", "memory"):
            try:
                some = self._text(f"{what}.pressure").partition("avg10=")[2]
            except OSError:
                continue  # a kernel that was started without it
            found[what] = float(some.partition(" ")[0])
        return found

    def hold_cpu(self, content: str) -> None:
        cgroupfs.write(Path(self._group), "cpu.max", content)

    def _stat(self) -> list[str]:
        """The fields after the name, which may hold anything, a parenthesis too."""
        try:
            return _read(f"{self._proc}stat").rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError) as error:
            raise Gone from error

    def _memory(self, allowed: int) -> tuple[int, bool]:
        if "memory" not in self._held:
            return self._sum(_resident), False
        used = int(self._text("memory.current"))
        if used < _NICE * allowed:
            return used, True
        stat = self._text("memory.stat")
        cache = _field(stat, "\ninactive_file ") + _field(stat, "\nactive_file ")
        return used - cache, True

    def _tasks(self) -> tuple[int, int]:
        if "tasks" not in self._held:
            return self._sum(_threads), 0
        return int(self._text("pids.current")), _field(self._text("pids.events"), "max ")

    def _transferred(self) -> int:
        """To and from disks."""
        if "io" not in self._held:
            return self._sum(_disks) if _COUNTS_DISKS else 0
        pairs = (pair.partition("=") for pair in self._text("io.stat").split())
        return sum(int(value) for name, _, value in pairs if name in ("rbytes", "wbytes"))

    def _sum(self, look: Callable[[str], int]) -> int:
        """Of every process of its group: what it may not use, a child of it may not either. A list that is cut off
        is cut at a line, for the number that is left of the last would be somebody else's."""
        total = 0
        for pid in self._family():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += look(f"/proc/{pid}/")
        return total

    def _family(self) -> list[str]:
        return self._text("cgroup.procs").rpartition("\n")[0].split()

    def _text(self, name: str) -> str:
        return _read(self._group + name)


def _descriptors(proc: str) -> int:
    return os.stat(f"{proc}fd").st_size if _COUNTS_DIRECTLY else len(os.listdir(f"{proc}fd"))


def _resident(proc: str) -> int:
    resident, shared = _read(f"{proc}statm").split()[1:3]
    return (int(resident) - int(shared)) * _PAGE


def _rolled_up(names: Collection[str], proc: str) -> int:
    rows = (line.split() for line in _read(f"{proc}smaps_rollup").splitlines())
    return sum(int(row[1]) << 10 for row in rows if row[0] in names)


def _threads(proc: str) -> int:
    return int(_read(f"{proc}stat").rpartition(") ")[2].split()[17])


def _disks(proc: str) -> int:
    text = _read(f"{proc}io")
    return _field(text, "\nread_bytes: ") + _field(text, "\nwrite_bytes: ")


def disk_of(path: Path) -> str:
    """`MAJOR:MINOR` of the whole disk that `path` lies on, as io.max names it; "" where it lies on none."""
    device = path.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not block.exists():
        return ""
    whole = block.resolve().parent if (block / "partition").exists() else block
    return (whole / "dev").read_text().strip()


def numbers(path: Path) -> dict[str, int]:
    """A file of `name number` lines."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


def _field(text: str, name: str) -> int:
    """The number after `name`; 0 where it is not said."""
    digits = text.partition(name)[2].partition("\n")[0]
    return int(digits) if digits else 0


def _read(path: str) -> str:
    """Plain calls: a hundred instances have a thousand of these files, every second."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 16384).decode(errors="replace")
    finally:
        os.close(file)
