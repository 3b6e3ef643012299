"""An exod under measurement: one development daemon, one connection to its bus, times in milliseconds.

A verb takes from the call on the bus to the signal that its job ended: what somebody waits who asked for it.
"""

import time
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Self

from bench.packages import trust
from exoctl.bus import PROPERTIES, Connection
from exoctl.codec import Variant
from exod.names import BUS_NAME, ROOT_PATH, plugin_path, service_path
from exod.trust.anchors import Anchor
from exosdk.testing.daemon import Daemon

MANAGER = f"{BUS_NAME}.Manager"
PLUGIN = f"{BUS_NAME}.Plugin"
JOB = f"{BUS_NAME}.Job"
ENDED = frozenset({"done", "refused", "failed", "cancelled"})
DEADLINE = 30.0
JOBS_AT_ONCE = 16
"""What the daemon takes from one caller before a job has ended."""


class Target:
    """Entered: the daemon runs; left: it was stopped, with all it started."""

    def __init__(self, directory: Path, *, anchor: Anchor | None = None) -> None:
        self.directory = directory
        self.daemon = Daemon(directory)
        self._anchor = anchor

    def __enter__(self) -> Self:
        self.daemon.start()
        self.bus = Connection(self.daemon.environment["EXOD_BUS_ADDRESS"])
        jobs = f"path_namespace='{ROOT_PATH}/job'"
        self.bus.subscribe(f"type='signal',sender='{BUS_NAME}',interface='{PROPERTIES}',{jobs}")
        if self._anchor is not None:
            trust(self._anchor, configuration=self.directory / "etc")
            self.bus.call(ROOT_PATH, MANAGER, "Reload")
        return self

    def __exit__(self, *_: object) -> None:
        self.bus.close()
        self.daemon.stop()

    def load(self, fd: int, *, start: bool = True) -> float:
        began = time.perf_counter()
        self._until_done([self.submit_load(fd, start=start)])
        return (time.perf_counter() - began) * 1e3

    def load_at_once(self, fds: Sequence[int]) -> float:
        """As many requests under way as the daemon takes from one caller, until all are loaded."""
        began = time.perf_counter()
        waiting: set[str] = set()
        for fd in fds:
            waiting.add(self.submit_load(fd, start=True))
            if len(waiting) == JOBS_AT_ONCE:
                waiting -= {self._next_done(waiting)}
        self._until_done(waiting)
        return (time.perf_counter() - began) * 1e3

    def unload_at_once(self, names: Sequence[str]) -> float:
        """As `load_at_once`, until all are unloaded."""
        began = time.perf_counter()
        waiting: set[str] = set()
        for name in names:
            waiting.add(str(self.bus.call(plugin_path(name), PLUGIN, "Unload")[0]))
            if len(waiting) == JOBS_AT_ONCE:
                waiting -= {self._next_done(waiting)}
        self._until_done(waiting)
        return (time.perf_counter() - began) * 1e3

    def grant_critical(self, name: str) -> None:
        """What the package asks for, and only the administrator grants."""
        policies = self.directory / "etc/plugins.d"
        policies.mkdir(mode=0o700, exist_ok=True)
        (policies / f"{name}.toml").write_text("critical = true\n")
        self.bus.call(ROOT_PATH, MANAGER, "Reload")

    def submit_load(self, fd: int, *, start: bool) -> str:
        options = {"start": Variant("b", start)}
        return str(self.bus.call(ROOT_PATH, MANAGER, "Load", "ha{sv}", [0, options], fds=[fd])[0])

    def verb(self, name: str, member: str) -> float:
        """Start, Stop, Unload, … of the plugin."""
        began = time.perf_counter()
        self._until_done([str(self.bus.call(plugin_path(name), PLUGIN, member)[0])])
        return (time.perf_counter() - began) * 1e3

    def remove(self, name: str) -> None:
        options = {"purge": Variant("b", True)}  # noqa: FBT003 - a D-Bus value
        self._until_done([str(self.bus.call(ROOT_PATH, MANAGER, "Remove", "sa{sv}", [name, options])[0])])

    def call(self, name: str, text: str) -> float:
        """One round trip to the service of the plugin."""
        began = time.perf_counter()
        answer = self.bus.call(service_path(name, "bench"), "org.exoos.Bench1", "Echo", "s", [text])
        took = time.perf_counter() - began
        if answer != [text]:
            raise RuntimeError(f"{name} answered {answer!r}")
        return took * 1e3

    def pid_of(self, name: str) -> int:
        return int(self.bus.properties(plugin_path(name), PLUGIN)["ProcessId"])

    def state_of(self, name: str) -> str:
        return str(self.bus.properties(plugin_path(name), PLUGIN)["StateName"])

    def _until_done(self, jobs: Iterable[str]) -> None:
        waiting = set(jobs)
        while waiting:
            waiting -= {self._next_done(waiting)}

    def await_job(self) -> None:
        """Until the daemon has done a job that nobody asked for on this connection."""
        self._next_done(None)

    def _next_done(self, waiting: Set[str] | None) -> str:
        """The next of the jobs (or of any) that is done; one that ended otherwise stops the run: a lie, else."""
        until = time.monotonic() + DEADLINE
        while message := self.bus.signal(deadline=max(0.0, until - time.monotonic())):
            if waiting is not None and message.path not in waiting:
                continue
            if (state := self._state(message.path, *message.body[1:])) in ENDED:
                if state != "done":
                    refusal = self.bus.properties(message.path, JOB)["Refusal"]
                    raise RuntimeError(f"{message.path} was {state}: {refusal}")
                return str(message.path)
        raise TimeoutError(f"jobs did not end: {sorted(waiting or ())}")

    def _state(self, path: str, changed: Mapping[str, Any], invalidated: Sequence[str]) -> str:
        """The state of the job as the signal tells it; asked for only where it says that it changed and not to what.

        Asking at every signal would make the daemon answer eight times a load, and be measured doing it.
        """
        if "State" in changed:
            return str(changed["State"].value)
        return str(self.bus.properties(path, JOB)["State"]) if "State" in invalidated else ""
