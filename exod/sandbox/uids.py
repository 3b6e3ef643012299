"""A range of uids → one for each instance, none twice within a boot; blocks of them belong to one zygote each.

Refuses a range that an account or a subordinate range uses. The next block is written down before it is used, in the
run directory, which does not outlive the boot; a block that was begun is never continued by another exod.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused

BLOCK = 128
"""The first uid of a block is its zygote's root, the others are for instances."""


@dataclass(frozen=True, slots=True)
class Block:
    first: int

    @property
    def last(self) -> int:
        return self.first + BLOCK - 1

    def holds(self, uid: int) -> bool:
        return self.first < uid <= self.last


def taken(first: int, last: int, *, passwd: str, subuid: str) -> Refusal | None:
    """Whether an account (passwd(5)) or a subordinate range (subuid(5)) lies within the range."""
    for name, start, count in (*_accounts(passwd), *_ranges(subuid)):
        if start <= last and start + count > first:
            sentence = f"cannot use uids {first}-{last}: {name} has {start}"
            return Refusal("uid-range-taken", sentence, "set uid-first and uid-last", {"owner": name}, Outcome.FAILED)
    return None


def _accounts(passwd: str) -> Iterator[tuple[str, int, int]]:
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdigit():
            yield fields[0], int(fields[2]), 1


def _ranges(subuid: str) -> Iterator[tuple[str, int, int]]:
    for line in subuid.splitlines():
        fields = line.split(":")
        if len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
            yield fields[0], int(fields[1]), int(fields[2])


class Uids:
    """`key` is the generation an instance will be forked from, so that one zygote never maps another's uids."""

    def __init__(self, directory: Path, *, first: int, last: int) -> None:
        self._file = directory / "next-uid"
        self._first, self._last = first, last
        self._rests: dict[tuple[str, str], list[range]] = {}

    def next(self, key: tuple[str, str] = ("", "")) -> int:
        """Of the block of the generation in use, or of the next one when all of it are used."""
        rests = self._rests.setdefault(key, [])
        if not rests:
            rests.append(self._block())
        uid, rest = rests[0][0], rests.pop(0)[1:]
        rests[:0] = [rest] if rest else []
        return uid

    def ahead(self, key: tuple[str, str], *, used: Block) -> Block:
        """The block whose uids come when `used` is left."""
        rests = self._rests.setdefault(key, [])
        place = 1 if rests and used.holds(rests[0][0]) else 0
        while len(rests) <= place:
            rests.append(self._block())
        return self.block(rests[place][0])

    def is_left(self, key: tuple[str, str], uid: int) -> bool:
        """Whether it comes from a block that others of `key` no longer come from."""
        rests = self._rests.get(key, [])
        return bool(rests) and self.block(uid) != self.block(rests[0][0])

    def leave(self, key: tuple[str, str], block: Block) -> None:
        """From here on of the next block; what is left of this one serves another generation of `key`."""
        rests = self._rests.get(key, [])
        if len(rests) > 1 and block.holds(rests[0][0]):
            rests.append(rests.pop(0))

    def block(self, uid: int) -> Block:
        """The block that `uid` lies in."""
        return Block(self._first + (uid - self._first) // BLOCK * BLOCK)

    def _block(self) -> range:
        try:
            begun = int(self._file.read_text()) - self._first
        except FileNotFoundError:
            begun = 0
        if not 0 <= begun <= self._last - self._first + 1:
            begun = 0  # of another range, before this one was configured
        # Whole blocks, also where the range was moved within this boot.
        first = self._first + -(-begun // BLOCK) * BLOCK
        if first + BLOCK - 1 > self._last:
            sentence = f"cannot start an instance: the uids {self._first}-{self._last} are used up until the next boot"
            raise Refused(Refusal("uids-exhausted", sentence, "set a wider uid range", outcome=Outcome.FAILED))
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(first + BLOCK))
        os.replace(fresh, self._file)
        return range(first + 1, first + BLOCK)
