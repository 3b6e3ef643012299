"""Where an audit log is read: from the daemon, or from a directory that was copied; and what is known of its end."""

import hashlib
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

from exoctl import files
from exoctl.faults import failed, not_found, usage
from exoctl.trail import LINE_MAX, Checkpoint, Key, Report, parse, proof_of, verify
from exod.errors import Refused
from exod.package.malformed import MalformedError
from exod.package.strictjson import dumps, loads

if TYPE_CHECKING:
    from exoctl.bus import Connection

KNOWN = "known.json"
INITIAL = "initial.key"
_SEALING = "sealing.key"
_SMALL = 16 << 10
_SAID_MAX = 64 << 20
_SAID = re.compile(r"audit checkpoint: record (\d{1,18}) ([0-9a-f]{64})")
_NAME = re.compile(r"audit-\d{12}\.jsonl")


class Log(Protocol):
    """`known`: what the daemon that writes it, or its directory, says of its end. `sizes`: of its files, oldest first.

    piece: some bytes of a file from an offset on; none at its end.
    """

    known: dict[str, str]
    sizes: dict[str, int]

    def piece(self, name: str, offset: int) -> bytes: ...


class Live:
    """Through the daemon: whoever may read logs may read this."""

    def __init__(self, bus: "Connection") -> None:
        self._bus = bus
        self.refresh()

    def refresh(self) -> None:
        found, known = self._ask("ListAudit")
        self.known: dict[str, str] = dict(known)
        self.sizes = {name: size for name, size in found if _NAME.fullmatch(name)}

    def piece(self, name: str, offset: int) -> bytes:
        (data,) = self._ask("ReadAudit", "st", name, offset)
        return bytes(data)

    def _ask(self, member: str, signature: str = "", *body: object) -> list[Any]:
        from exoctl.objects import manager  # a copy is verified without the bus and its codec

        return manager(self._bus, member, signature, *body)


class Copy:
    """In a directory: of the log, of the whole state, or as `audit export` made it. Anybody may own it."""

    def __init__(self, path: str) -> None:
        inside = os.path.join(path, "audit")
        self._path = inside if os.path.isdir(inside) else path
        try:
            names = sorted(name for name in os.listdir(self._path) if _NAME.fullmatch(name))
            self.sizes = {name: os.stat(os.path.join(self._path, name)).st_size for name in names}
        except OSError as error:
            raise Refused(not_found("no-audit-log", f"cannot read an audit log in {path}: {error.strerror}")) from error
        self.known = _known(self._path) | (_registry(path) if inside == self._path else {})
        if not names and not self.known:
            raise Refused(not_found("no-audit-log", f"cannot read an audit log in {path}: there is none"))

    def piece(self, name: str, offset: int) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(os.path.join(self._path, name), flags)
        except OSError as error:
            raise Refused(failed("unreadable-file", f"cannot read {name}: {error.strerror}")) from error
        try:
            return os.pread(fd, 1 << 20, offset)
        finally:
            os.close(fd)


def lines(log: Log, name: str, *, start: int = 0) -> Iterator[bytes]:
    """With their newlines, up to the size that the file had; one that never ends is given in pieces of no record."""
    rest, offset, size = b"", start, log.sizes[name]
    while offset < size and (data := log.piece(name, offset)[: size - offset]):
        offset += len(data)
        *whole, rest = (rest + data).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(rest) > LINE_MAX:
            yield rest
            rest = b""
    if rest:
        yield rest


def newest(log: Log, count: int, *, event: str | None, plugin: str | None) -> list[dict[str, Any]]:
    """The last records, oldest first."""
    found: list[dict[str, Any]] = []
    for name in reversed(log.sizes):
        rows = [row for line in lines(log, name) if wanted(row := record(line), event=event, plugin=plugin)]
        found = [*rows, *found][-count:]
        if len(found) == count:
            break
    return found


def record(line: bytes) -> dict[str, Any]:
    """What the line says; of one that is no record only the text is known."""
    row = parse(line.rstrip(b"\n"))
    return {"text": line.decode(errors="replace").rstrip("\n")} if row is None else dict(row)


def wanted(row: Mapping[str, Any], *, event: str | None, plugin: str | None) -> bool:
    return event in (None, row.get("event")) and plugin in (None, row.get("fields", {}).get("plugin"))


def judged(log: Log, *, keys: Sequence[Key] = (), checkpoints: Sequence[Checkpoint] = ()) -> Report:
    """The verdict on the whole log, held against what is known of its end and what else was given."""
    every = [(name, lines(log, name)) for name in log.sizes]
    return verify(every, keys=keys, checkpoints=[*known_checkpoints(log.known), *checkpoints])


def known_checkpoints(known: Mapping[str, str]) -> Iterator[Checkpoint]:
    if "seq" in known:
        yield Checkpoint("the sealing key", _number(known["seq"]), known.get("hash", ""), known.get("proof", ""))
    if "registry_seq" in known:
        yield Checkpoint("the registry", _number(known["registry_seq"]), known.get("registry_hash", ""))


def read_key(path: str) -> Key:
    """As the daemon wrote it. Raises Refused."""
    data = files.read_secret(path, verb="use key", limit=_SMALL)
    return _key(data, path)


def said(path: str) -> list[Checkpoint]:
    """The checkpoints in a log of the daemon's: what `journalctl -u exod` printed, or exod.log."""
    text = files.read(path, verb="read checkpoints from", limit=_SAID_MAX).decode(errors="replace")
    return [Checkpoint(f"{path}", int(seq), digest) for seq, digest in _SAID.findall(text)]


def checkpoint(text: str) -> Checkpoint:
    """`SEQ:HASH`, as `audit verify` shows them."""
    seq, _, digest = text.partition(":")
    if not seq.isdecimal() or not re.fullmatch("[0-9a-f]{64}", digest):
        raise Refused(usage(f"cannot use checkpoint {text}: it is not SEQ:HASH", "exoctl audit verify shows one"))
    return Checkpoint("the checkpoint given", int(seq), digest)


def _known(path: str) -> dict[str, str]:
    """What `audit export` wrote down; in a plain copy, what follows from the sealing key."""
    exported, sealing = os.path.join(path, KNOWN), os.path.join(path, _SEALING)
    known = {"initial_key": "here"} if os.path.exists(os.path.join(path, INITIAL)) else {}
    if os.path.exists(exported):
        return _texts(files.read(exported, verb="read", limit=_SMALL), exported)
    if os.access(sealing, os.R_OK):
        try:
            key = _key(files.read(sealing, verb="read", limit=_SMALL), sealing)
        except Refused:
            return known  # a damaged one proves nothing; that it proves nothing is said
        known |= {"key": key.id, "seq": str(key.seq), "hash": key.hash, "proof": proof_of(key)}
    return known


def _registry(state: str) -> dict[str, str]:
    """The registry's checkpoint. A copy of a copy is opened: reading it must not change it."""
    path = os.path.join(state, "registry.sqlite")
    if not os.path.exists(path):
        return {}
    try:
        with tempfile.TemporaryDirectory() as place:
            for name in ("registry.sqlite", "registry.sqlite-wal"):
                if os.path.exists(os.path.join(state, name)):
                    shutil.copy(os.path.join(state, name), place)
            with closing(sqlite3.connect(os.path.join(place, "registry.sqlite"))) as database:
                seq, digest = database.execute("SELECT seq, hash FROM audit").fetchone()
    except (OSError, sqlite3.Error, TypeError) as error:
        raise Refused(failed("unreadable-file", f"cannot read {path}: {error}")) from error
    return {"registry_seq": str(seq), "registry_hash": str(digest)}


def _key(data: bytes, path: str) -> Key:
    text, _, check = data.strip().rpartition(b" ")
    if hashlib.sha256(text).hexdigest().encode() != check:
        raise Refused(usage(f"cannot use key {path}: it is no key of an audit log, or not all of it"))
    _, seq, digest, key, id_ = text.decode().split()
    return Key(int(seq), digest, bytes.fromhex(key), id_)


def _texts(data: bytes, path: str) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in loads(data, limit=_SMALL).items()}
    except (MalformedError, AttributeError) as error:
        raise Refused(usage(f"cannot read {path}: it is not what audit export writes")) from error


def encoded(known: Mapping[str, str]) -> bytes:
    return dumps(dict(known)) + b"\n"


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
