"""How a job's progress is shown: JSON lines, a bar on a terminal once there is something to wait for, or nothing."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from exoctl.printer import Printer, clean

Report = Callable[[Mapping[str, Any]], None]
_SHOWN = ("kind", "plugin_name", "state", "step", "steps_done", "steps_total", "progress")
PATIENCE = 0.3
"""Seconds before a bar appears; most jobs are over by then, and importing rich would take longer than they do."""


def shown(job: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a job under way; the result comes with its end."""
    line = {"job": job["id"]} | {name: job[name] for name in _SHOWN}
    return line | {"result": job["result"]} if job["state"] == "done" else line


@contextmanager
def lines(printer: Printer) -> Iterator[Report]:
    def report(job: Mapping[str, Any]) -> None:
        if job["state"] not in ("refused", "failed", "cancelled"):
            printer.document(shown(job))

    yield report


@contextmanager
def silence() -> Iterator[Report]:
    yield lambda _: None


@contextmanager
def bar() -> Iterator[Report]:
    display = _Bar(time.monotonic)
    try:
        yield display.report
    finally:
        display.close()


class _Bar:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._progress: Any = None
        self._task: Any = None

    def report(self, job: Mapping[str, Any]) -> None:
        if self._progress is None:
            if self._clock() - self._since < PATIENCE:
                return
            self._open()
        self._progress.update(self._task, completed=job["progress"], description=clean(job["step"] or job["state"]))

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} % {task.description}", markup=False))
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=100)
        self._progress.start()

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
