import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state.packages import PACKAGE_MAX, Packages
from exod.state.writer import Writer
from tests.exod.state import powercut


@asynccontextmanager
async def opened(root: Path) -> AsyncIterator[Packages]:
    writer = Writer()
    try:
        store = await Packages.open(root / "packages", writer=writer)
        try:
            yield store
        finally:
            await store.close()
    finally:
        await writer.close()


def stored(root: Path) -> list[tuple[str, str]]:
    """Every (plugin, version) that lies in the store."""
    return [(path.parent.name, path.stem) for path in sorted((root / "packages").glob("[!.]*/[!.]*.exopkg"))]


def trashed(root: Path) -> list[tuple[str, str]]:
    """Every (plugin, version) that was dropped and neither restored nor discarded."""
    names = sorted(path.stem.partition("_") for path in (root / "packages/.trash").glob("*.exopkg"))
    return [(plugin, version) for plugin, _, version in names]


async def test_a_package_is_stored_under_its_name_and_version(root: Path) -> None:
    async with opened(root) as store:
        await store.put("hello", "1.0.0", b"bytes")
        assert await store.get("hello", "1.0.0") == b"bytes"
        assert stored(root) == [("hello", "1.0.0")]
    assert (root / "packages/hello/1.0.0.exopkg").stat().st_mode & 0o777 == 0o600


async def test_what_was_never_stored_is_none(root: Path) -> None:
    async with opened(root) as store:
        assert await store.get("hello", "1.0.0") is None
        await store.put("hello", "1.0.0", b"bytes")
        assert await store.get("hello", "1.0.1") is None


async def test_equal_bytes_again_are_fine_and_other_bytes_are_refused(root: Path) -> None:
    async with opened(root) as store:
        await store.put("hello", "1.0.0", b"bytes")
        await store.put("hello", "1.0.0", b"bytes")
        with pytest.raises(Refused) as caught:
            await store.put("hello", "1.0.0", b"other")
        assert caught.value.refusal.code == "version-differs"
        assert await store.get("hello", "1.0.0") == b"bytes"


async def test_versions_lie_side_by_side(root: Path) -> None:
    async with opened(root) as store:
        await store.put("hello", "1.0.0", b"one")
        await store.put("hello", "2.0.0rc1", b"two")
        await store.drop("hello", "1.0.0")
        assert stored(root) == [("hello", "2.0.0rc1")]
        assert await store.get("hello", "2.0.0rc1") == b"two"


async def test_dropped_comes_back_with_restore_and_not_after_discard(root: Path) -> None:
    async with opened(root) as store:
        await store.put("hello", "1.0.0", b"bytes")
        await store.drop("hello", "1.0.0")
        assert await store.get("hello", "1.0.0") is None
        assert trashed(root) == [("hello", "1.0.0")]
        await store.restore("hello", "1.0.0")
        assert await store.get("hello", "1.0.0") == b"bytes"
        await store.drop("hello", "1.0.0")
        await store.discard("hello", "1.0.0")
        await store.restore("hello", "1.0.0")
        assert await store.get("hello", "1.0.0") is None
    assert os.listdir(root / "packages") == [".trash"]
    assert os.listdir(root / "packages/.trash") == []


async def test_everything_may_be_done_twice_or_for_nothing(root: Path) -> None:
    async with opened(root) as store:
        for verb in (store.drop, store.restore, store.discard):
            await verb("hello", "1.0.0")
        await store.put("hello", "1.0.0", b"bytes")
        for verb in (store.drop, store.drop, store.restore, store.restore):
            await verb("hello", "1.0.0")
        assert await store.get("hello", "1.0.0") == b"bytes"


async def test_half_a_package_from_a_crash_is_swept_at_the_next_open(root: Path) -> None:
    (root / "packages/hello").mkdir(parents=True, mode=0o700)
    (root / "packages").chmod(0o700)
    (root / "packages/hello/.1.0.0.exopkg.new").write_bytes(b"half")
    async with opened(root):
        assert stored(root) == []
    assert os.listdir(root / "packages/hello") == []


@pytest.mark.parametrize("version", ["", ".", "..", "../../x", "1.0/2", "1.0\0", "v1", "1.0+local", "x" * 200])
async def test_a_version_that_is_no_file_name_goes_nowhere(root: Path, version: str) -> None:
    async with opened(root) as store:
        with pytest.raises(ValueError, match="internal error"):
            await store.put("hello", version, b"bytes")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".trash", "Hello"])
async def test_a_name_that_is_no_plugin_goes_nowhere(root: Path, name: str) -> None:
    async with opened(root) as store:
        with pytest.raises(ValueError, match="internal error"):
            await store.get(name, "1.0.0")


async def test_a_file_larger_than_a_package_can_be_is_refused(root: Path) -> None:
    async with opened(root) as store:
        await store.put("hello", "1.0.0", b"bytes")
        os.truncate(root / "packages/hello/1.0.0.exopkg", PACKAGE_MAX + 1)
        with pytest.raises(Refused) as caught:
            await store.get("hello", "1.0.0")
        assert caught.value.refusal.code == "file-too-large"


async def put(store: Packages) -> None:
    await store.put("hello", "2.0.0", b"two" * 999)


async def drop(store: Packages) -> None:
    await store.drop("hello", "1.0.0")


async def restore(store: Packages) -> None:
    await store.restore("old", "0.1")


async def discard(store: Packages) -> None:
    await store.discard("old", "0.1")


# verb → (what is in the store before it, and after it); the trash is the rest of `ALL`
CHANGES = {
    put: ({("hello", "1.0.0")}, {("hello", "1.0.0"), ("hello", "2.0.0")}),
    drop: ({("hello", "1.0.0")}, set[tuple[str, str]]()),
    restore: ({("hello", "1.0.0")}, {("hello", "1.0.0"), ("old", "0.1")}),
    discard: ({("hello", "1.0.0")}, {("hello", "1.0.0")}),
}
BYTES = {("hello", "1.0.0"): b"one", ("hello", "2.0.0"): b"two" * 999, ("old", "0.1"): b"old"}


async def fill(root: Path) -> None:
    async with opened(root) as store:
        await store.put("hello", "1.0.0", b"one")
        await store.put("old", "0.1", b"old")
        await store.drop("old", "0.1")


@pytest.mark.parametrize("end", powercut.ENDS)
@pytest.mark.parametrize("verb", CHANGES, ids=lambda verb: verb.__name__)
async def test_wherever_a_change_is_interrupted_nothing_is_lost_or_half_and_it_can_be_done_again(
    root: Path, verb: Callable[[Packages], Awaitable[None]], end: str
) -> None:
    await fill(root)
    before, after = CHANGES[verb]

    async def change(place: Path) -> None:
        async with opened(place) as store:
            await verb(store)

    for disk in powercut.points(root, end=end):
        completed = await powercut.run(change, disk)
        async with opened(disk.root) as store:
            found = set(stored(disk.root))
            assert found == after if completed else found in (before, after)
            for plugin, version in found:
                assert await store.get(plugin, version) == BYTES[plugin, version]
            kept = found | set(trashed(disk.root))
            assert kept >= ({("hello", "1.0.0")} if verb is discard else {("hello", "1.0.0"), ("old", "0.1")})
            await verb(store)
            assert set(stored(disk.root)) == after
    assert disk.count > 3
