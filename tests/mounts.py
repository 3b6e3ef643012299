"""A mount on this host for as long as a test needs it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from exod.linux.syscall import detach, mount

_BIND, _PRIVATE = 1 << 12, 1 << 18


@contextlib.contextmanager
def mounted_tmpfs(place: Path) -> Iterator[None]:
    mount("none", str(place), "tmpfs", 0, "size=64k")
    try:
        yield
    finally:
        detach(str(place))


@contextlib.contextmanager
def bound(source: str | Path, place: Path) -> Iterator[None]:
    mount(str(source), str(place), None, _BIND)
    try:
        yield
    finally:
        detach(str(place))
