"""A directory of configuration (`trust.d`, `plugins.d`) → the bytes of its files, and a refusal for each bad one.

Refuses, one by one, a file that is a link, no regular file, too large, not root's, or writable by others; refuses all
when that is true of the directory or what is above it. Parses nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from exod.errors import Refusal, Refused
from exod.state.directory import Directory

FILE_MAX = 256 << 10


@dataclass(frozen=True, slots=True)
class Found:
    """`files` are (name, bytes) in the order of their names; every file that is missing there has a refusal."""

    files: tuple[tuple[str, bytes], ...]
    refusals: tuple[Refusal, ...]


def read_directory(path: Path, *, suffix: str = ".toml", limit: int = FILE_MAX) -> Found:
    """All files of `path` whose names end in `suffix`; nothing when there is no such directory."""
    try:
        with Directory.open(path) as directory:
            names = [name for name in directory.names() if name.endswith(suffix)]
            results = [(name, _read(directory, name, limit=limit)) for name in names]
    except FileNotFoundError:
        return Found((), ())
    except Refused as refused:
        return Found((), (refused.refusal,))
    except OSError as error:
        return Found((), (_unreadable(str(path), error),))
    files = tuple((name, data) for name, data in results if isinstance(data, bytes))
    return Found(files, tuple(data for _, data in results if isinstance(data, Refusal)))


def read_file(path: Path, *, limit: int = FILE_MAX) -> bytes | Refusal | None:
    """One file, under the same conditions; None when it is not there."""
    try:
        with Directory.open(path.parent) as directory:
            return _read(directory, path.name, limit=limit)
    except FileNotFoundError:
        return None
    except Refused as refused:
        return refused.refusal
    except OSError as error:
        return _unreadable(str(path), error)


def _read(directory: Directory, name: str, *, limit: int) -> bytes | Refusal | None:
    try:
        return directory.read(name, limit=limit)
    except Refused as refused:
        return refused.refusal
    except OSError as error:
        return _unreadable(f"{directory.path}/{name}", error)


def _unreadable(path: str, error: OSError) -> Refusal:
    return Refusal("file-unreadable", f"cannot read {path}: {error.strerror}", evidence={"path": path})
