"""THREATS 24, the store's part: a disk that is full or read-only at any moment leaves no half-installed package.

`kill -9` and the power cut at every call are in tests/exod/state/test_killed.py and beside each part.
"""

import asyncio
import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exod.state.store import Store
from tests.exod.state.judging import verify

LIBC = ctypes.CDLL(None, use_errno=True)
REMOUNT, READ_ONLY, DETACH = 32, 1, 2


def mount(place: Path, *, flags: int = 0, options: str = "") -> None:
    if LIBC.mount(b"tmpfs", bytes(place), b"tmpfs", flags, options.encode()) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A state directory on a disk of its own, of 1 MiB."""
    place = tmp_path / "lib"
    place.mkdir()
    mount(place, options="size=1m,mode=700")
    yield place
    LIBC.umount2(bytes(place), DETACH)


def fill(place: Path) -> Callable[[], None]:
    """Take all the room there is; the result gives it back."""
    filler = place / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    return filler.unlink


async def test_a_package_that_does_not_fit_is_not_there_at_all(small: Path) -> None:
    async with Store.open(small, data_uid=2146999999) as store:
        await store.packages.put("hello", "1.0.0", b"small")
        with pytest.raises(OSError, match="No space"):
            await store.packages.put("hello", "2.0.0", bytes(2 << 20))
        assert await store.packages.get("hello", "2.0.0") is None
        assert os.listdir(small / "packages/hello") == ["1.0.0.exopkg"]
        await store.packages.put("hello", "2.0.0", bytes(1000))


async def test_a_full_disk_is_told_and_the_audit_log_goes_on_when_there_is_room(small: Path) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with Store.open(small, data_uid=2146999999, on_degraded=told.put_nowait) as store:
        await store.audit.flush()
        empty = fill(small)
        for number in range(100):
            store.audit.write("event", {"number": str(number), "text": "x" * 200})
        assert "No space left" in await told.get()
        empty()
        await store.audit.flush()
        assert await told.get() == ""
    report = verify(small / "audit")
    assert report.holds
    assert report.records == 102


async def test_a_disk_that_turns_read_only_fails_changes_and_loses_nothing(small: Path) -> None:
    async with Store.open(small, data_uid=2146999999) as store:
        await store.packages.put("hello", "1.0.0", b"bytes")
    fds = [os.open(small / "packages/hello/1.0.0.exopkg", os.O_RDONLY)]
    mount(small, flags=REMOUNT | READ_ONLY, options="size=1m")
    os.close(fds.pop())
    with pytest.raises(OSError, match="[Rr]ead-only"):
        await Store.open(small, data_uid=2146999999).__aenter__()
    mount(small, flags=REMOUNT, options="size=1m")
    async with Store.open(small, data_uid=2146999999) as store:
        assert await store.packages.get("hello", "1.0.0") == b"bytes"
