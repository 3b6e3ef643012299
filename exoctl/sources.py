"""A plugin's directory → path → (bytes, executable), as a package carries them.

Every name is opened below the descriptor of its directory without following links, so what is read is what lies in
the directory; a link, a device, a name that a package cannot carry, or more than 64 MiB is refused.
"""

import os
import stat
from collections.abc import Iterator

from exoctl.faults import failed, not_found, usage
from exod.errors import Refused

FILES = ("package.toml", "README.md", "LICENSE")
DIRECTORIES = ("code", "assets", "ebpf")
TOTAL_MAX = 64 << 20
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_DEPTH_MAX = 32


def read(directory: str) -> dict[str, tuple[bytes, bool]]:
    """Hidden files, `tests`, caches and built packages at the top are left out; anything else unknown is refused."""
    try:
        top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "exoctl package new NAME --type custom"
        raise Refused(not_found("no-such-directory", f"cannot build {directory}: {reason}", hint)) from error
    try:
        return _collect(top, directory)
    finally:
        os.close(top)


def _collect(top: int, directory: str) -> dict[str, tuple[bytes, bool]]:
    tree: dict[str, tuple[bytes, bool]] = {}
    left = TOTAL_MAX
    for name in sorted(os.listdir(top)):
        if left_out(name):
            continue
        if name not in FILES + DIRECTORIES:
            allowed = ", ".join((*FILES, *(f"{room}/" for room in DIRECTORIES)))
            sentence = f"cannot build {directory}: a package has no place for {name}"
            raise Refused(usage(sentence, f"it carries {allowed}"))
        for path, data, executable in _walk(top, name, name, depth=0):
            left -= len(data)
            if left < 0:
                raise Refused(usage(f"cannot build {directory}: it is larger than {TOTAL_MAX >> 20} MiB"))
            tree[path] = data, executable
    return tree


def left_out(name: str) -> bool:
    return name.startswith(".") or name in ("tests", "__pycache__") or name.endswith((".exopkg", ".pyc"))


def _walk(parent: int, name: str, path: str, *, depth: int) -> Iterator[tuple[str, bytes, bool]]:
    try:
        fd = os.open(name, _OPEN, dir_fd=parent)
    except OSError as error:
        # ELOOP is what O_NOFOLLOW says of a link; ENXIO what a socket says.
        raise Refused(usage(f"cannot build {path}: only plain files are packed ({error.strerror})")) from error
    try:
        found = os.fstat(fd)
        if stat.S_ISDIR(found.st_mode):
            yield from _directory(fd, path, depth=depth)
        elif stat.S_ISREG(found.st_mode):
            yield path, _contents(fd, found.st_size, path), bool(found.st_mode & 0o111)
        else:
            raise Refused(usage(f"cannot build {path}: only plain files are packed"))
    finally:
        os.close(fd)


def _directory(fd: int, path: str, *, depth: int) -> Iterator[tuple[str, bytes, bool]]:
    if depth >= _DEPTH_MAX:
        raise Refused(usage(f"cannot build {path}: directories lie too deep"))
    for name in sorted(os.listdir(fd)):
        if name != "__pycache__" and not name.endswith(".pyc"):
            yield from _walk(fd, name, f"{path}/{name}", depth=depth + 1)


def _contents(fd: int, size: int, path: str) -> bytes:
    if size > TOTAL_MAX:
        raise Refused(usage(f"cannot build {path}: it is larger than {TOTAL_MAX >> 20} MiB"))
    with os.fdopen(os.dup(fd), "rb") as stream:
        data = stream.read(size + 1)
    if len(data) != size:
        raise Refused(failed("file-changed", f"cannot build {path}: it changed while it was read"))
    return data
