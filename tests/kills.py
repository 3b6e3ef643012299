"""The real daemon, killed with SIGKILL at every point of a job; the next one must find all of it or none of it.

A daemon that is given EXOD_CHECKPOINTS=DIR (it has to be a development one) writes each point that it passes to
DIR/trace, and kills itself at the one that DIR/kill names. The points of a story are those that its own undisturbed run
passes, so a new step is covered without anybody adding it here.
"""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exosdk.testing.daemon import CommandFailed, Daemon
from tests.acceptance.residue import left
from tests.acceptance.workshop import Workshop

ROOT = Path(__file__).resolve().parents[1]
SUBJECT, BYSTANDER = "echo", "hostpulse"
SETTLED = 15.0
"""Seconds that restoring may take; what is not settled by then is judged as it is."""
ENDED = {"done", "failed", "refused", "cancelled"}


@dataclass(frozen=True, slots=True)
class Story:
    """One verb on the subject. `given` brings it there; `act` is what the daemon is killed in."""

    name: str
    given: Sequence[Sequence[str]]
    act: Sequence[str]
    refused: bool = False


LOAD = ("plugin", "load", "{echo}")
STORIES = (
    Story("load", (), LOAD),
    Story("load-undone", (), ("plugin", "load", "{broken}"), refused=True),
    Story("start", (LOAD, ("plugin", "stop", SUBJECT)), ("plugin", "start", SUBJECT)),
    Story("unload", (LOAD,), ("plugin", "unload", SUBJECT)),
    Story("remove", (LOAD,), ("plugin", "remove", SUBJECT)),
    Story("config", (LOAD,), ("plugin", "config", SUBJECT, "prefix=again ")),
)


@dataclass(slots=True)
class Outcome:
    """What one kill left. `lost`: something acknowledged is gone; `violations`: a state between before and after."""

    story: str
    point: str
    killed: bool
    lost: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)


class Stage:
    """Where stories are played: the packages, and directories of daemons in which a story may begin."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.packages: dict[str, str] = {}
        self._runs = 0

    def build(self) -> None:
        """Signs the packages and brings every story to its beginning once."""
        base = self.directory / "base"
        with _daemon(base) as daemon:
            self._sign(daemon)
            daemon.exoctl("plugin", "load", self.packages[BYSTANDER])
        for story in STORIES:
            shutil.copytree(base, self._beginning(story))
            if story.given:
                with _daemon(self._beginning(story)) as daemon:
                    for words in story.given:
                        self.play(daemon, words)

    def _sign(self, daemon: Daemon) -> None:
        work = self.directory / "work"
        work.mkdir(mode=0o700)
        shop = Workshop(daemon, work)
        shop.key("kills", scope=f"{SUBJECT},{BYSTANDER}")
        shop.reload()
        broken = shutil.copytree(ROOT / "plugins" / SUBJECT, work / "broken")
        code = broken / "code" / "echo.py"
        code.write_text(code.read_text().replace("        self._read()\n", '        raise OSError("broken")\n', 1))
        sources = {SUBJECT: ROOT / "plugins" / SUBJECT, BYSTANDER: ROOT / "plugins" / BYSTANDER, "broken": broken}
        self.packages = {name: str(shop.package(source, key="kills")) for name, source in sources.items()}

    def _beginning(self, story: Story) -> Path:
        return self.directory / f"begin-{story.name}"

    def play(self, daemon: Daemon, words: Sequence[str]) -> Any:
        return daemon.exoctl(*[word.format(**self.packages) for word in words])

    def fresh(self, story: Story) -> Path:
        """A daemon's directory at the beginning of the story, to be used once."""
        self._runs += 1
        return Path(shutil.copytree(self._beginning(story), self.directory / f"run-{self._runs}"))

    def points(self, story: Story) -> tuple[list[str], Mapping[str, Any], Mapping[str, Any]]:
        """The points of the undisturbed act, and what a restart finds before and after it."""
        directory = self.fresh(story)
        marks = _marks(directory)
        with _daemon(directory, marks=marks) as daemon:
            before = seen(daemon)
            _trace(marks).unlink(missing_ok=True)
            self.act(daemon, story)
            passed = list(dict.fromkeys(_trace(marks).read_text().split("\n")[:-1]))
        with _daemon(directory) as daemon:
            after = seen(daemon)
        shutil.rmtree(directory)
        return passed, before, after

    def act(self, daemon: Daemon, story: Story) -> None:
        try:
            self.play(daemon, story.act)
        except CommandFailed:
            if not story.refused:
                raise

    def kill_at(self, story: Story, point: str, *, before: Mapping[str, Any], after: Mapping[str, Any]) -> Outcome:
        """Plays the story to `point`, and judges what the next daemon makes of it."""
        directory = self.fresh(story)
        marks = _marks(directory)
        daemon = _daemon(directory, marks=marks).start()
        (marks / "kill").write_text(point)
        try:
            self.play(daemon, story.act)
        except CommandFailed:
            pass  # the bus lost its owner under the call
        outcome = Outcome(story.name, point, killed=ended_by_kill(daemon))
        with _daemon(directory) as successor:
            now = seen(successor)
            judge(outcome, now, before=before, after=after)
            outcome.violations += [f"job {row['id']} is {row['state']}" for row in _unfinished(successor)]
            outcome.violations += unsound(directory, _plugins(successor))
        outcome.residue += left(directory)
        shutil.rmtree(directory)
        return outcome


def _daemon(directory: Path, *, marks: Path | None = None) -> Daemon:
    """Not traced, and so twice as fast: what SIGKILL ends could not write its figures out."""
    untraced = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
    return Daemon(directory, environment=untraced | ({"EXOD_CHECKPOINTS": str(marks)} if marks else {}))


def ended_by_kill(daemon: Daemon) -> bool:
    """False when the point was never passed: then the daemon is stopped, and the run proves nothing."""
    assert daemon.process is not None
    try:
        daemon.process.wait(SETTLED)
    except subprocess.TimeoutExpired:
        daemon.stop()
        return False
    daemon.kill()
    return daemon.process.returncode == -signal.SIGKILL


def judge(outcome: Outcome, now: Mapping[str, Any], *, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if now.get(BYSTANDER) != before[BYSTANDER]:
        outcome.lost.append(f"{BYSTANDER} is {now.get(BYSTANDER)}")
    if now.get(SUBJECT) not in (before.get(SUBJECT), after.get(SUBJECT)):
        outcome.violations.append(f"{SUBJECT} is {now.get(SUBJECT)}")


def seen(daemon: Daemon) -> dict[str, Any]:
    """Each plugin as a client sees it once the desired state is restored: version, state, configuration."""
    until = time.monotonic() + SETTLED
    while _unsettled(daemon) and time.monotonic() < until:
        pass  # each question takes a process, which is pause enough
    return {
        row["name"]: [row["version"], row["state_name"], daemon.exoctl("plugin", "config", row["name"])]
        for row in _plugins(daemon)
    }


def _unsettled(daemon: Daemon) -> bool:
    busy = [row for row in _plugins(daemon) if row["state_name"] in ("loading", "unloading")]
    return daemon.exoctl("daemon", "status")["state"] == "starting" or bool(busy or _unfinished(daemon))


def _plugins(daemon: Daemon) -> list[dict[str, Any]]:
    rows = daemon.exoctl("plugin", "list")
    return rows if isinstance(rows, list) else [rows]


def _unfinished(daemon: Daemon) -> list[dict[str, Any]]:
    rows = daemon.exoctl("job", "list")
    return [row for row in (rows if isinstance(rows, list) else [rows]) if row["state"] not in ENDED]


def unsound(directory: Path, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the store and the registry differ."""
    stored = {str(path.relative_to(directory / "lib/packages")) for path in directory.glob("lib/packages/*/*")}
    listed = {f"{row['name']}/{version}.exopkg" for row in rows for version in row["versions"]}
    return [f"{name} is stored and not registered" for name in sorted(stored - listed)] + [
        f"{name} is registered and not stored" for name in sorted(listed - stored)
    ]


def _marks(directory: Path) -> Path:
    marks = directory / "marks"
    marks.mkdir(exist_ok=True)
    return marks


def _trace(marks: Path) -> Path:
    return marks / "trace"


def every_point(stage: Stage, *, report: Callable[[Outcome], None], skip: frozenset[tuple[str, str]]) -> None:
    """All stories, each killed at each of its points, except those that `skip` names (story, point)."""
    for story in STORIES:
        points, before, after = stage.points(story)
        for point in points:
            if (story.name, point) not in skip:
                report(stage.kill_at(story, point, before=before, after=after))


def as_json(outcome: Outcome) -> str:
    return json.dumps({name: getattr(outcome, name) for name in outcome.__slots__})
