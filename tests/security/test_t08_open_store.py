"""THREATS 8: a file or parent directory of the store that others may write is never read and never written."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state.store import Store
from tests.exod.state.judging import verify

PLACES = ["lib/packages/hello/1.0.0.exopkg", "lib/packages/hello", "lib/packages"]
PARENTS = ["lib", "."]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    place = tmp_path / "var"
    place.mkdir(mode=0o755)
    (place / "lib").mkdir(mode=0o755)
    return place


@asynccontextmanager
async def opened(top: Path) -> AsyncIterator[Store]:
    async with Store.open(top / "lib", data_uid=2146999999) as store:
        yield store


async def fill(top: Path) -> None:
    async with opened(top) as store:
        await store.packages.put("hello", "1.0.0", b"verified bytes")


def others_may_write(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def group_may_write(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def someone_else_owns(path: Path) -> None:
    os.chown(path, 1000, 1000)


SPOIL = [others_may_write, group_may_write, someone_else_owns]


async def insecure(work: object) -> None:
    with pytest.raises(Refused) as caught:
        await work  # type: ignore[misc]
    assert caught.value.refusal.code == "store-insecure"
    assert caught.value.refusal.hint.startswith(("chmod go-w", "chown root:"))


@pytest.mark.parametrize("spoil", SPOIL, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("place", PLACES)
async def test_a_running_daemon_refuses_to_use_it(top: Path, place: str, spoil: object) -> None:
    await fill(top)
    async with opened(top) as store:
        spoil(top / place)  # type: ignore[operator]
        await insecure(store.packages.get("hello", "1.0.0"))
        await insecure(store.packages.put("hello", "1.0.0", b"verified bytes"))


@pytest.mark.parametrize("spoil", SPOIL, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("place", [*PLACES[1:], *PARENTS])
async def test_a_starting_daemon_refuses_to_open_it(top: Path, place: str, spoil: object) -> None:
    await fill(top)
    spoil(top / place)  # type: ignore[operator]
    await insecure(Store.open(top / "lib", data_uid=2146999999).__aenter__())


async def test_a_link_planted_for_the_temporary_file_is_not_written_through(top: Path) -> None:
    await fill(top)
    (top / "victim").write_bytes(b"untouched")
    async with opened(top) as store:
        (top / "lib/packages/hello/.2.0.0.exopkg.new").symlink_to(top / "victim")
        await store.packages.put("hello", "2.0.0", b"new")
        assert await store.packages.get("hello", "2.0.0") == b"new"
    assert (top / "victim").read_bytes() == b"untouched"


@pytest.mark.parametrize("place", ["hello/1.0.0.exopkg", "hello"])
async def test_a_link_in_the_store_is_not_followed(top: Path, place: str) -> None:
    await fill(top)
    async with opened(top) as store:
        (top / "lib/packages" / place).rename(top / "elsewhere")
        (top / "lib/packages" / place).symlink_to(top / "elsewhere")
        with pytest.raises(Refused):
            await store.packages.get("hello", "1.0.0")


async def test_the_refusal_leaves_nothing_behind(top: Path) -> None:
    await fill(top)
    async with opened(top) as store:
        (top / "lib/packages/hello").chmod(0o777)
        with pytest.raises(Refused):
            await store.packages.put("hello", "3.0.0", b"bytes")
    assert os.listdir(top / "lib/packages/hello") == ["1.0.0.exopkg"]
    assert verify(top / "lib/audit").holds
