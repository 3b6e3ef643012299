"""A job from its path to its end: one JSON object a line, or a bar; a refusal at the end is the verb's refusal.

Signals only wake: every change is read back with GetAll, so a lost or coalesced signal costs a second, not an answer.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from exoctl.bus import DRIVER, PROPERTIES, Connection
from exoctl.faults import failed, not_found, unreachable, usage
from exoctl.objects import JOB, properties
from exoctl.progress import Report, bar, lines, silence
from exoctl.session import Session
from exod.errors import Outcome, Refusal, Refused
from exod.names import BUS_NAME, ROOT_PATH, job_path

ENDED = frozenset({"done", "refused", "failed", "cancelled"})
_LOOK_AGAIN = 1.0
_NOW = {
    "load": "loaded",
    "unload": "unloaded",
    "start": "running",
    "stop": "loaded",
    "suspend": "suspended",
    "resume": "running",
    "install": "installed",
    "remove": "removed",
    "enable": "enabled",
    "disable": "disabled",
    "configure": "configured",
}
"""What a plugin is after a job of this kind, where the job's result does not say it."""


def submit(session: Session, start: Callable[[Connection], str]) -> None:
    """Starts a job and, unless told not to, stays with it to its end."""
    bus = session.bus
    if not session.wait:
        number = number_of(start(bus))
        if session.json_mode:
            session.printer.document({"job": number, "state": "queued"})
        else:
            session.printer.line(f"job {number} was accepted; watch it with: exoctl job watch {number}")
        return
    listen(bus)
    follow(session, start(bus))


def listen(bus: Connection) -> None:
    """Before the job starts, so that no change can fall between its start and our first look."""
    namespace = f"{ROOT_PATH}/job"
    bus.subscribe(f"type='signal',sender='{BUS_NAME}',interface='{PROPERTIES}',path_namespace='{namespace}'")
    bus.subscribe(f"type='signal',sender='{DRIVER}',member='NameOwnerChanged',arg0='{BUS_NAME}'")


def follow(session: Session, path: str) -> None:
    number = number_of(path)
    try:
        with _reporter(session) as report:
            last = _until_end(session, path, report)
    except KeyboardInterrupt:
        _left(session, number)
        raise
    if last["state"] == "done":
        _finished(session, last)
        return
    raise Refused(refusal_of(last))


def complete(session: Session, path: str) -> dict[str, Any]:
    """Silently to its end; raises its refusal unless it is done."""
    try:
        last = _until_end(session, path, lambda _: None)
    except KeyboardInterrupt:
        _left(session, number_of(path))
        raise
    if last["state"] != "done":
        raise Refused(refusal_of(last))
    return last


def refusal_of(job: Mapping[str, Any]) -> Refusal:
    fields = job.get("refusal") or {}
    if "code" in fields and "sentence" in fields:
        return Refusal.from_fields(fields)
    number = job.get("id", 0)
    return failed(f"job-{job['state']}", f"cannot finish job {number}: it was {job['state']}", "exoctl job list")


def read(bus: Connection, number: int) -> dict[str, Any]:
    try:
        return properties(bus.properties(job_path(number), JOB))
    except Refused as error:
        if error.refusal.outcome is Outcome.NOT_FOUND or error.refusal.code in ("unknown-object", "not-found"):
            sentence = f"cannot find job {number}: there is none, or it ended more than 30 days ago"
            raise Refused(not_found("unknown-job", sentence, "exoctl job list")) from error
        raise


def number_of(path: str) -> int:
    text = path.rpartition("/")[2]
    if not text.isascii() or not text.isdigit():
        raise Refused(usage(f"cannot follow {path}: that is no job"))
    return int(text)


def _until_end(session: Session, path: str, report: Report) -> dict[str, Any]:
    bus = session.bus
    until = None if session.timeout is None else time.monotonic() + session.timeout
    number = number_of(path)
    before: dict[str, Any] | None = None
    while True:
        job = read(bus, number)
        if job != before:
            report(job)
            before = job
        if job["state"] in ENDED:
            return job
        _wait(bus, path, until=until, number=number)


def _wait(bus: Connection, path: str, *, until: float | None, number: int) -> None:
    """Returns when the job may have changed; raises when the daemon left or the time is up."""
    look_again = time.monotonic() + _LOOK_AGAIN
    while (left := look_again - time.monotonic()) > 0:
        if until is not None:
            left = min(left, until - time.monotonic())
            if left <= 0:
                sentence = f"cannot wait any longer for job {number}: it goes on"
                raise Refused(Refusal("timed-out", sentence, f"exoctl job watch {number}", {}, Outcome.TIMED_OUT))
        message = bus.signal(deadline=left)
        if message is None:
            continue
        if message.path == path:
            return
        if message.member == "NameOwnerChanged" and message.body[2] == "":
            reason = f"it went away while job {number} ran; it is undone or finished at the next start"
            raise Refused(unreachable(bus.address, reason))


def _finished(session: Session, job: Mapping[str, Any]) -> None:
    if session.json_mode:
        return
    result = job.get("result") or {}
    for line in result.get("lint", "").splitlines()[1:]:
        session.printer.note(f"lint: {line}")
    name = " ".join(part for part in (result.get("plugin") or job["plugin_name"], result.get("version")) if part)
    state = result.get("state") or _NOW.get(job["kind"])
    session.printer.line(f"{name} is {state}" if state else f"{job['kind']} {name}: done")


def _left(session: Session, number: int) -> None:
    hint = f"exoctl job watch {number}"
    if session.json_mode:
        session.printer.document({"job": number, "state": "running", "detached": True, "hint": hint})
    else:
        session.printer.note(f"job {number} goes on; watch it with: {hint}")


def _reporter(session: Session) -> AbstractContextManager[Report]:
    if session.json_mode:
        return lines(session.printer)
    return bar() if session.printer.terminal else silence()
