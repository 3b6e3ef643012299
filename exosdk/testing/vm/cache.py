"""A key → a directory made once, complete or absent, shared by all test runs of this user.

An entry is built beside its place and renamed into it; who is interrupted leaves a directory that the next one clears.
A lock is held while an entry is built (nobody builds it twice) and, shared, while it is used (nobody clears it away).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_KEPT_DAYS = 14.0
_KEPT_EACH = 6
"""An image and its template take a gigabyte, and every change of a .deb makes another."""


def root() -> Path:
    """Outside every source tree, so that a fresh clone finds what the last one built."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "exod" / "vm"


def key(**parts: Any) -> str:
    """The same parts, the same name; 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class Cache:
    """Entries are directories `KIND-KEY` in `place`. Keep a Cache open as long as what it handed out is in use."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._held = contextlib.ExitStack()
        self._entries: dict[str, Path] = {}

    def entry(self, kind: str, key: str, build: Callable[[Path], None]) -> Path:
        """The entry's directory; `build` fills an empty one if there is none yet."""
        name = f"{kind}-{key}"
        if name not in self._entries:
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._entries[name] = self._made(self.place / name, build)
        return self._entries[name]

    def _made(self, target: Path, build: Callable[[Path], None]) -> Path:
        """Users hold the lock together; the builder alone, which it can only while there is nothing to use."""
        lock = self._held.enter_context(_locked(target.with_suffix(".lock"), fcntl.LOCK_SH))
        if not target.exists():
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                part = target.with_suffix(".part")
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir(mode=0o700)
                build(part)
                part.rename(target)
            fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(target)
        return target

    def prune(self, *, days: float = _KEPT_DAYS, each: int = _KEPT_EACH, now: float | None = None) -> list[str]:
        """Removes what was not used for `days`, all but the `each` last used of a kind, and what an interrupted build
        left; what is in use stays.
        """
        oldest = (time.time() if now is None else now) - days * 86_400
        entries = [path for path in self.place.glob("*-*") if path.is_dir()]
        stale = [path for path in entries if path.suffix == ".part"]
        for kind in sorted({path.name.partition("-")[0] for path in entries}):
            whole = [path for path in entries if path.name.startswith(f"{kind}-") and not path.suffix]
            newest = sorted(whole, key=lambda path: path.stat().st_mtime, reverse=True)
            stale += [path for number, path in enumerate(newest) if number >= each or path.stat().st_mtime < oldest]
        return sorted(path.name for path in stale if _removed(path))

    def close(self) -> None:
        self._held.close()


def _removed(path: Path) -> bool:
    try:
        with _locked(path.with_suffix(".lock"), fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(path, ignore_errors=True)
            return True
    except BlockingIOError:
        return False


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[int]:
    """Lock files stay: who removed one would leave two holders of the same lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)
