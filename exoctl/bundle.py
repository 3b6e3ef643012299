"""A report for a bug: what this host and its exod say about themselves → FILE.tar.gz, mode 0600, in known parts.

No key, no configuration value of a plugin, no audit, no package. What cannot be had is said in its place.
"""

import contextlib
import io
import json
import os
import platform
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from exoctl import objects
from exoctl.examination import Row
from exoctl.faults import failed
from exoctl.session import DEV_VARIABLE, Session
from exod.errors import Refused
from exod.names import API_LEVEL, ROOT_PATH, VERSION

_LINES = 2000
_TAIL = 256 << 10
PARTS = {
    "versions.json": "exod, Python, kernel, distribution",
    "findings.json": "every check of the doctor",
    "daemon.json": "state and Degraded of exod",
    "plugins.json": "names, versions, states, signers' key ids; no configuration",
    "jobs.json": "what was asked for, by whom, how it ended",
    "settings.json": "exod.toml, as it was read; it holds no secret",
    "log.txt": "the newest lines of exod's own log",
}


def write(session: Session, path: str, findings: list[Row]) -> dict[str, str]:
    """The parts that were written, each with what it holds. A file that exists is never replaced."""
    made: dict[str, Callable[[], Any]] = {
        "versions.json": _versions,
        "findings.json": lambda: findings,
        "daemon.json": lambda: objects.properties(session.bus.properties(ROOT_PATH, objects.MANAGER)),
        "plugins.json": lambda: objects.managed(session.bus, objects.PLUGIN),
        "jobs.json": lambda: objects.managed(session.bus, objects.JOB),
        "settings.json": lambda: _settings(session),
        "log.txt": _log,
    }
    parts = {name: _bytes(make) for name, make in made.items()}
    try:
        with _created(path) as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for name, data in parts.items():
                row = tarfile.TarInfo(f"exod-report/{name}")
                row.size, row.mode = len(data), 0o600
                tar.addfile(row, io.BytesIO(data))
    except OSError as error:
        raise Refused(failed("unwritable-file", f"cannot write {path}: {error.strerror}")) from error
    return dict(PARTS)


@contextlib.contextmanager
def _created(path: str) -> Iterator[io.BufferedWriter]:
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600)) as file:
        yield file


def _bytes(make: Callable[[], Any]) -> bytes:
    try:
        value = make()
    except Refused as error:
        value = {"not available": error.refusal.sentence}
    except OSError as error:
        value = {"not available": str(error)}
    text = value if isinstance(value, str) else json.dumps(value, indent=1, sort_keys=True, default=str) + "\n"
    return text.encode(errors="backslashreplace")


def _versions() -> dict[str, Any]:
    release = platform.freedesktop_os_release()
    kernel = {"kernel": platform.release(), "machine": platform.machine(), "distribution": release.get("PRETTY_NAME")}
    return {"exod": VERSION, "api": API_LEVEL, "python": platform.python_version()} | kernel


def _settings(session: Session) -> Any:
    """Keys and values only: a comment may say what is nobody's business."""
    try:
        with open(os.path.join(session.configuration, "exod.toml"), "rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        return {"not available": str(error)}


def _log() -> str:
    """The file of `exod --dev`, or what the journal has of exod's unit."""
    if directory := os.environ.get(DEV_VARIABLE):
        with open(os.path.join(directory, "log/exod.log"), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read().decode(errors="replace")
    return "".join(_journal())


def _journal() -> Iterator[str]:
    try:
        from systemd import journal
    except ImportError:
        return
    with journal.Reader() as reader:
        reader.add_match(_SYSTEMD_UNIT="exod.service")
        reader.seek_tail()
        entries = [reader.get_previous() for _ in range(_LINES)]
    for entry in reversed([one for one in entries if one]):
        yield f"{entry.get('__REALTIME_TIMESTAMP', '')} {entry.get('MESSAGE', '')}\n"
