"""The canonical zip: bytes → Archive, and a mapping of files → the same bytes, on every machine.

The reader walks the local headers, takes each file's mode from the central directory, writes the archive anew and
requires equal bytes: what has a second reading (directory against headers, gaps, comments, zip64, tails) fails there.
Refuses names that could leave the tree, collide or hide, and files Python would run unasked.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exod.errors import Refusal
from exod.package.malformed import MalformedError, shown

MAX_BYTES = 64 << 20
MAX_ENTRIES = 4096
MAX_PATH = 200
FILES = frozenset(("package.toml", "README.md", "LICENSE"))
DIRECTORIES = frozenset(("code", "assets", "ebpf"))

_PATH = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_BYTECODE = (".pyc", ".pyo", ".pth")
_MACHINE_NAME = re.compile(r"\.(so(\.[0-9.]+)?|o|a|ko|dll|dylib|pyd|wasm)$", re.IGNORECASE)
_MACHINE_MAGIC = (b"\x7fELF", b"\0asm", b"!<arch>\n")

# PKWARE's APPNOTE 4.3.7, 4.3.12, 4.3.16. Date 0x0021 is 1980-01-01, the format's first day.
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_MADE_BY = 3 << 8 | 20
_NEEDED, _STORED, _TIME, _DATE = 10, 0, 0, 0x21
_MODES = {0o100644 << 16: False, 0o100755 << 16: True}

Tree = Mapping[str, tuple[bytes, bool]]
"""Path → (bytes, executable)."""


@dataclass(frozen=True, slots=True)
class Archive:
    zip: bytes
    files: Tree


def parse(data: bytes) -> Archive | Refusal:
    try:
        return read(data)
    except MalformedError as fault:
        return fault.refusal("archive", code="archive-malformed")


def read(data: bytes) -> Archive:
    """`parse` for this room: raises MalformedError."""
    if len(data) > MAX_BYTES:
        raise MalformedError("archive-too-large", f"{len(data)} bytes, at most {MAX_BYTES} are read")
    found, directory = _walk(data)
    modes = _modes(data, directory, [path for path, _ in found])
    files = {path: (content, mode) for (path, content), mode in zip(found, modes, strict=True)}
    if len(files) != len(found):
        raise MalformedError("", "a file stands there twice")
    check_paths(files)
    if write(files) != data:
        raise MalformedError("archive-not-canonical", "written anew, it has other bytes")
    return Archive(data, files)


def write(files: Tree) -> bytes:
    """Stored, sorted, fixed time, two modes, nothing optional. The paths must have passed `check_paths`."""
    body: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for path in sorted(files):
        content, executable = files[path]
        name = path.encode("ascii")
        crc, size = zlib.crc32(content), len(content)
        common = (_NEEDED, 0, _STORED, _TIME, _DATE, crc, size, size, len(name), 0)
        mode = (0o100755 if executable else 0o100644) << 16
        body += (_LOCAL.pack(b"PK\3\4", *common), name, content)
        directory += (_CENTRAL.pack(b"PK\1\2", _MADE_BY, *common, 0, 0, 0, mode, offset), name)
        offset += _LOCAL.size + len(name) + size
    length = sum(map(len, directory))
    end = _END.pack(b"PK\5\6", 0, 0, len(files), len(files), length, offset, 0)
    return b"".join((*body, *directory, end))


def check_paths(paths: Iterable[str]) -> None:
    """Raises MalformedError at the first path that is not a plain, unambiguous place in a package."""
    seen: dict[str, str] = {}
    for count, path in enumerate(paths, start=1):
        if count > MAX_ENTRIES:
            raise MalformedError("archive-too-large", f"more than {MAX_ENTRIES} files")
        _check_path(path)
        _check_collisions(path, seen)


def machine_code(files: Tree) -> str | None:
    """The first file that is machine code by its name or its first bytes."""
    for path, (content, _) in files.items():
        if _MACHINE_NAME.search(path) or content.startswith(_MACHINE_MAGIC):
            return path
    return None


def _walk(data: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """The files as the local headers give them, and where the headers end. Python's integers do not wrap at 2^32."""
    found: list[tuple[str, bytes]] = []
    offset = 0
    while data.startswith(b"PK\3\4", offset):
        if len(found) == MAX_ENTRIES:
            raise MalformedError("archive-too-large", f"more than {MAX_ENTRIES} files")
        start = offset + _LOCAL.size
        if start > len(data):
            raise MalformedError("", "it ends inside a header")
        _, _, flags, method, _, _, _, packed, size, name_size, extra = _LOCAL.unpack_from(data, offset)
        offset = start + name_size + extra + packed
        if flags or extra or method != _STORED or packed != size:
            raise MalformedError("archive-not-canonical", "an entry is compressed, encrypted or has optional fields")
        if offset > len(data):
            raise MalformedError("", "an entry is longer than the archive")
        found.append((_name(data[start : start + name_size]), data[start + name_size : offset]))
    return found, offset


def _modes(data: bytes, offset: int, paths: list[str]) -> list[bool]:
    """Whether each file is executable, by the central directory; all else in it is settled by writing it anew."""
    modes: list[bool] = []
    for path in paths:
        if offset + _CENTRAL.size > len(data):
            raise MalformedError("", "its directory lacks entries")
        mode = _CENTRAL.unpack_from(data, offset)[15]
        if mode not in _MODES:
            raise MalformedError(
                "archive-mode", f"mode {mode >> 16:o} is not that of a plain file, 644 or 755", key=path
            )
        modes.append(_MODES[mode])
        offset += _CENTRAL.size + len(path)
    return modes


def _name(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedError("archive-path", f"a name is not ASCII, {shown(raw.decode('latin-1'))}") from None


def _check_path(path: str) -> None:
    parts = path.split("/")
    if len(path) > MAX_PATH or not _PATH.fullmatch(path) or "." in parts or ".." in parts:
        raise MalformedError("archive-path", f"{shown(path)} is not a plain relative path")
    if (len(parts) == 1 and path not in FILES) or (len(parts) > 1 and parts[0] not in DIRECTORIES):
        raise MalformedError("archive-path", f"{shown(path)} has no place in a package", key=path)
    if path.lower().endswith(_BYTECODE) or any(part.lower() == "__pycache__" for part in parts):
        raise MalformedError("archive-bytecode", "bytecode and path files are made by exod, never carried", key=path)


def _check_collisions(path: str, seen: dict[str, str]) -> None:
    """Two paths that a file system without case would merge, at any level; also a file where a directory stands."""
    place = ""
    for part in path.split("/")[:-1]:
        place += part + "/"
        if seen.setdefault(place.lower(), place) != place or place[:-1].lower() in seen:
            raise MalformedError("archive-collision", f"{shown(path)} collides with another path", key=path)
    if seen.setdefault(path.lower(), path + "\0") != path + "\0" or path.lower() + "/" in seen:
        raise MalformedError("archive-collision", f"{shown(path)} collides with another path", key=path)
