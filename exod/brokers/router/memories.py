"""The two memories of a link: made by exod, mapped by one end each, then sealed, then shown to the other end.

Nobody can open one anew with more rights, write one that is not its own, or cut one short. Its pages are its writer's:
that end touches them all before the other can.
"""

import fcntl
import os
from types import TracebackType
from typing import Self

_SEAL, _SHRINK, _GROW, _FUTURE_WRITE = 0x0001, 0x0002, 0x0004, 0x0010
SEALS = _SEAL | _SHRINK | _GROW | _FUTURE_WRITE
_ADD_SEALS, _GET_SEALS = 1033, 1034
_NOEXEC_SEAL = 0x0008
"""MFD_NOEXEC_SEAL, Linux 6.3: it never becomes a program."""
_PAGE, _SLOT, _UNIT = 4096, 64, 1024


def sizes(slots: int, arena: int) -> tuple[int, int]:
    """Bytes of what the sender writes, and of what the receiver does; exosdk.ring.memories says the same."""
    return _PAGE + _pages(slots * _SLOT) + arena, _PAGE + _pages(arena // _UNIT * 8)


def _pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


class Memories:
    """`front` and `back`, closed at the end of the block: the ends have what they mapped. Raises OSError."""

    def __init__(self, slots: int, arena: int) -> None:
        self._sizes = sizes(slots, arena)
        self.front, self.back = -1, -1

    def __enter__(self) -> Self:
        try:
            self.front, self.back = map(_make, self._sizes)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for descriptor in (self.front, self.back):
            if descriptor >= 0:
                os.close(descriptor)

    def seal(self) -> bool:
        """Once both ends have mapped theirs. False when an end changed the size of what it was given."""
        for descriptor in (self.front, self.back):
            fcntl.fcntl(descriptor, _ADD_SEALS, SEALS)
        held = (fcntl.fcntl(one, _GET_SEALS) & SEALS for one in (self.front, self.back))
        found = tuple(os.fstat(one).st_size for one in (self.front, self.back))
        return all(one == SEALS for one in held) and found == self._sizes


def _make(size: int) -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        descriptor = os.memfd_create("exod-link", flags | _NOEXEC_SEAL)
    except OSError:  # an older kernel
        descriptor = os.memfd_create("exod-link", flags)
    try:
        os.fchmod(descriptor, 0)
        os.ftruncate(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
