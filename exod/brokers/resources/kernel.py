"""An instance's limits → the files of its cgroup, written before it is born; and whether one of them ended it.

Tried by use once, where the groups will be: what a host does not take is left out, said in `held`, and left to the
monitor. What it took then and does not take now is an error, and the start fails.
"""

import contextlib
from pathlib import Path

from exod.brokers.resources import facts, rules
from exod.linux import cgroupfs
from exod.package.limits import Limits


class Kernel:
    """Implements the sandbox's Holder. `data`: where plugins' data lies, for the disk that io is held on."""

    def __init__(self, data: Path) -> None:
        self.lacks = rules.lacks(())
        self.held: frozenset[str] = frozenset()
        self._disk = facts.disk_of(data)
        self._files: frozenset[str] = frozenset()

    def begin(self, top: Path, instances: Path) -> None:
        """Controllers for the groups below `instances`, which is below `top`. No process may be in either: where there
        are controllers there are none beside them.
        """
        files = rules.group_files(Limits(), disk=self._disk)
        for group in (top, instances):
            for controller in sorted({name.partition(".")[0] for name in files}):
                with contextlib.suppress(OSError):
                    cgroupfs.write(group, "cgroup.subtree_control", f"+{controller}")
        probe = instances / "probe"
        probe.mkdir(exist_ok=True)
        self._files = frozenset(name for name, text in files.items() if _takes(probe, name, text))
        cgroupfs.remove(probe)
        self.held, self.lacks = rules.held_by(self._files), rules.lacks(self._files)

    def hold(self, group: Path, limits: Limits) -> None:
        for name, text in rules.group_files(limits, disk=self._disk).items():
            if name in self._files:
                cgroupfs.write(group, name, text)

    def starved(self, group: Path) -> bool:
        """Whether the kernel ended it over its own limit: one that dies when the host's memory is used up has done
        nothing.
        """
        try:
            events = facts.numbers(group / "memory.events")
        except OSError:
            return False
        return events.get("oom", 0) > 0 and events.get("oom_kill", 0) > 0


def _takes(group: Path, name: str, text: str) -> bool:
    try:
        cgroupfs.write(group, name, text)
    except OSError:
        return False
    return True
