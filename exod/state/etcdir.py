"""A directory of configuration (`trust.d`, `plugins.d`) → the bytes of its files, and a refusal for each bad one.

Refuses, one by one, a file that is a link, no regular file, too large, not root's, or writable by others; refuses all
when that is true of the directory or what is above it. Parses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from exod.errors import Refusal, Refused
from exod.state.directory import Directory

FILE_MAX = 256 << 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """`files` are (name, bytes) in the order of their names; every file that is missing there has a refusal."""

    files: tuple[tuple[str, bytes], ...]
    refusals: tuple[Refusal, ...]


def read_directory(path: Path, *, suffix: str = ".toml") -> Found:
    """All files of `path` whose names end in `suffix`; nothing when there is no such directory."""

    def read() -> list[tuple[str, bytes | Refusal | None]]:
        with Directory.open(path) as directory:
            names = [name for name in directory.names() if name.endswith(suffix)]
            return [(name, _told(path / name, partial(directory.read, name, limit=FILE_MAX))) for name in names]

    results = _told(path, read) or []
    if isinstance(results, Refusal):
        return Found((), (results,))
    files = tuple((name, data) for name, data in results if isinstance(data, bytes))
    return Found(files, tuple(data for _, data in results if isinstance(data, Refusal)))


def read_file(path: Path) -> bytes | Refusal | None:
    """One file, under the same conditions; None when it is not there."""

    def read() -> bytes | None:
        with Directory.open(path.parent) as directory:
            return directory.read(path.name, limit=FILE_MAX)

    return _told(path, read)


def _told(path: Path, read: Callable[[], T | None]) -> T | Refusal | None:
    """What `read` returns, or the refusal that says why there is nothing; None when there is no such place."""
    try:
        return read()
    except FileNotFoundError:
        return None
    except Refused as refused:
        return refused.refusal
    except OSError as error:
        return Refusal("file-unreadable", f"cannot read {path}: {error.strerror}", evidence={"path": str(path)})
