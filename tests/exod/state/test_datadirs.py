import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state.datadirs import DataDirs
from exod.state.writer import Writer
from exod.supervisor import ports
from tests.exod.state import powercut

UID = 2146999999


@asynccontextmanager
async def opened(root: Path) -> AsyncIterator[DataDirs]:
    writer = Writer()
    try:
        data = await DataDirs.open(root / "data", uid=UID, writer=writer)
        try:
            yield data
        finally:
            await data.close()
    finally:
        await writer.close()


def stored(root: Path) -> list[str]:
    """Every plugin that has data."""
    return sorted(path.name for path in (root / "data").glob("[!.]*"))


def fill(root: Path) -> None:
    (root / "data/hello/file").write_bytes(b"mine")


async def test_a_plugin_gets_a_private_directory_of_the_data_uid(root: Path) -> None:
    async with opened(root) as data:
        port: ports.DataDirs = data
        await port.make("hello")
        assert stored(root) == ["hello"]
    status = (root / "data/hello").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (UID, UID, 0o700)


async def test_making_it_again_keeps_what_is_in_it(root: Path) -> None:
    async with opened(root) as data:
        await data.make("hello")
        fill(root)
        await data.make("hello")
    assert (root / "data/hello/file").read_bytes() == b"mine"


async def test_dropped_data_comes_back_with_restore_and_not_after_discard(root: Path) -> None:
    async with opened(root) as data:
        await data.make("hello")
        fill(root)
        await data.drop("hello")
        await data.drop("hello")
        assert stored(root) == []
        await data.restore("hello")
        await data.restore("hello")
        assert (root / "data/hello/file").read_bytes() == b"mine"
        await data.drop("hello")
        await data.discard("hello")
        await data.discard("hello")
        await data.restore("hello")
        assert stored(root) == []
    assert {path.name for path in (root / "data").rglob("*")} == {".trash", ".gone"}


async def test_a_second_drop_takes_the_place_of_the_first(root: Path) -> None:
    async with opened(root) as data:
        for text in (b"first", b"second"):
            await data.make("hello")
            (root / "data/hello/file").write_bytes(text)
            await data.drop("hello")
        await data.restore("hello")
        assert (root / "data/hello/file").read_bytes() == b"second"


async def test_restored_data_takes_the_place_of_what_was_made_since(root: Path) -> None:
    async with opened(root) as data:
        await data.make("hello")
        fill(root)
        await data.drop("hello")
        await data.make("hello")
        (root / "data/hello/other").write_bytes(b"the next owner's")
        await data.restore("hello")
    assert os.listdir(root / "data/hello") == ["file"]
    assert os.listdir(root / "data/.gone") == []


async def test_discards_at_once_do_not_disturb_each_other(root: Path) -> None:
    async with opened(root) as data:
        for name in "abcdef":
            await data.make(name)
            (root / "data" / name / "deep" / "er").mkdir(parents=True)
            await data.drop(name)
        await asyncio.gather(*(data.discard(name) for name in "abcdef"))
    assert os.listdir(root / "data/.gone") == []


@pytest.mark.parametrize("plant", ["link", "file", "other owner", "open to others"])
async def test_what_lies_in_its_place_is_refused(root: Path, plant: str) -> None:
    async with opened(root) as data:
        place = root / "data/hello"
        if plant == "link":
            place.symlink_to("/etc")
        elif plant == "file":
            place.touch()
        else:
            place.mkdir(mode=0o755 if plant == "open to others" else 0o700)
            os.chown(place, UID if plant == "open to others" else 1234, 0)
        with pytest.raises(Refused) as caught:
            await data.make("hello")
        assert caught.value.refusal.code == "store-insecure"


@pytest.mark.parametrize("name", ["", "..", ".trash", "a/b", "Hello"])
async def test_a_name_that_is_no_plugin_goes_nowhere(root: Path, name: str) -> None:
    async with opened(root) as data:
        with pytest.raises(ValueError, match="internal error"):
            await data.make(name)


async def make(data: DataDirs) -> None:
    await data.make("new")


async def drop(data: DataDirs) -> None:
    await data.drop("hello")


async def restore(data: DataDirs) -> None:
    await data.restore("old")


async def discard(data: DataDirs) -> None:
    await data.discard("old")


AFTER = {make: ["hello", "new"], drop: [], restore: ["hello", "old"], discard: ["hello"]}


@pytest.mark.parametrize("end", powercut.ENDS)
@pytest.mark.parametrize("verb", AFTER, ids=lambda verb: verb.__name__)
async def test_wherever_a_change_is_interrupted_it_can_be_done_again(
    root: Path, verb: Callable[[DataDirs], Awaitable[None]], end: str
) -> None:
    async with opened(root) as data:
        for name in ("hello", "old"):
            await data.make(name)
            (root / "data" / name / "inner").mkdir()
        await data.drop("old")

    async def change(place: Path) -> None:
        async with opened(place) as data:
            await verb(data)

    for disk in powercut.points(root, end=end):
        completed = await powercut.run(change, disk)
        async with opened(disk.root) as data:
            assert stored(disk.root) in ([AFTER[verb]] if completed else [["hello"], AFTER[verb]])
            for name in stored(disk.root):
                assert (disk.root / "data" / name).stat().st_uid == UID
            await verb(data)
            assert stored(disk.root) == AFTER[verb]
