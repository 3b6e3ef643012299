"""The fixed-size frames of keeper and zygote: bytes ↔ values. Refuses everything that is not exactly one frame.

Used by exod, keeper and zygote alike, so it needs nothing but the standard library.
"""

import array
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

_SCM_MAX = 8
"""More descriptors than any frame to exod or keeper carries: a surplus is received, then closed."""


class Op(IntEnum):
    """Of the keeper: requests up to 99, replies from 100."""

    TAKE = 1
    ZYGOTE = 2
    DEPOSIT = 3
    BIND = 4
    FORGET = 5
    STAT = 6
    INSTANCE = 101
    END = 102
    EXIT = 103
    BORN = 104
    ACK = 105
    NAK = 106


_KEEPER = struct.Struct("<IIQiI16sQ16x")
KEEPER_MAGIC = 0x4B454550
FRAME_SIZE = _KEEPER.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One message between exod and keeper. `ref` of a reply is the op it answers; of a NAK, `aux` is the errno."""

    op: int
    id: int = 0
    pid: int = 0
    ref: int = 0
    nonce: bytes = bytes(16)
    aux: int = 0

    def encode(self) -> bytes:
        return _KEEPER.pack(KEEPER_MAGIC, self.op, self.id, self.pid, self.ref, self.nonce, self.aux)


def decode(data: bytes) -> Frame | None:
    """The frame in `data`, None when it is none: wrong length, magic, or bytes set where none belong."""
    if len(data) != FRAME_SIZE or any(data[48:]):
        return None
    magic, *fields = _KEEPER.unpack(data)
    return Frame(*fields) if magic == KEEPER_MAGIC else None


# --- zygote -----------------------------------------------------------------------------------------------------------

REQUEST_MAGIC = 0x5A474F54
FAILURE_MAGIC = 0x4C494146
FORK, NETNS, LOADED = 1, 2, 3
FLAG_STATE, FLAG_DOMAIN, FLAG_NATIVE = 1, 2, 4
FILES_MAX = 32
_REQUEST = struct.Struct("<IIQIIII16sIIIIQQ")
_REPLY = struct.Struct("<IiQiI")
_FAILURE = struct.Struct("<IIII")
REPLY_SIZE = _REPLY.size
_ARM = struct.Struct("<III")


def arm(first: int, last: int, filters: Sequence[bytes]) -> bytes:
    """What arms a zygote: the uids of its instances; its own filter, then what theirs can be."""
    head = _ARM.pack(REQUEST_MAGIC, first, last)
    return head + b"".join(len(program).to_bytes(4, "little") + program for program in filters)


def request(
    op: int,
    *,
    id_: int = 0,
    uid: int = 0,
    fds: int = 0,
    files: int = 0,
    flags: int = 0,
    nonce: bytes = b"",
    without: int = 0,
    profile: int = 0,
    bounds: Sequence[int] = (0, 0, 0, 0),
) -> bytes:
    """`without`: the bits of the layers that are left out, so that a request nobody filled in has all walls.
    `bounds`: open files, tasks, bytes of memory, bytes of one file.
    """
    return _REQUEST.pack(REQUEST_MAGIC, op, id_, uid, fds, files, flags, nonce, without, profile, *bounds)


def reply(data: bytes) -> tuple[int, int, int] | None:
    """(errno, id, pid) from a zygote."""
    if len(data) != REPLY_SIZE:
        return None
    magic, error, id_, pid, _ = _REPLY.unpack(data)
    return (error, id_, pid) if magic == REQUEST_MAGIC else None


def failure(data: bytes) -> tuple[int, int] | None:
    """(step, errno) when a child reports a wall it could not raise; None for any other first message."""
    if len(data) != _FAILURE.size:
        return None
    magic, step, error, _ = _FAILURE.unpack(data)
    return (step, error) if magic == FAILURE_MAGIC else None


# --- sockets ----------------------------------------------------------------------------------------------------------


def send(end: socket.socket, data: bytes, fds: Sequence[int] = ()) -> None:
    """Never waits; raises OSError when the other side is gone, or reads nothing."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    end.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def receive(end: socket.socket, size: int) -> tuple[bytes, list[int]] | None:
    """One message, one byte longer than `size` if it is too long, and every descriptor that came with it; an empty one
    when the other side is gone, None when nothing is there yet.
    """
    space = socket.CMSG_SPACE(_SCM_MAX * 4)
    try:
        data, ancillary, _, _ = end.recvmsg(size + 1, space, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    except OSError:
        return b"", []
    fds = array.array("i")
    for level, kind, rights in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(rights[: len(rights) - len(rights) % fds.itemsize])
    return data, list(fds)
