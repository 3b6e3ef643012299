import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exod.errors import Refusal, Refused
from exod.state.trustfile import TrustFile
from exod.state.writer import Writer
from exod.supervisor import ports
from exod.trust.state import TrustState, encode, own
from tests.exod.state import powercut

KEY = "a" * 64
PINNED = own(TrustState(), "hello", owner=KEY, mark="1.0.0", now=1700000000)


@asynccontextmanager
async def opened(root: Path) -> AsyncIterator[TrustFile]:
    writer = Writer()
    try:
        file = await TrustFile.open(root / "trust", writer=writer)
        try:
            yield file
        finally:
            await file.close()
    finally:
        await writer.close()


async def load(root: Path, *, generation: int) -> TrustState | Refusal:
    async with opened(root) as file:
        return await file.load(generation=generation)


async def save(root: Path, state: TrustState) -> None:
    async with opened(root) as file:
        await file.save(state)


def code(result: TrustState | Refusal) -> str:
    assert isinstance(result, Refusal)
    assert result.hint
    return result.code


async def test_the_first_start_ever_makes_an_empty_state(root: Path) -> None:
    async with opened(root) as file:
        port: ports.TrustFile = file
        assert await port.load(generation=0) == TrustState()
    assert (root / "trust/state.json").stat().st_mode & 0o777 == 0o600
    assert await load(root, generation=0) == TrustState()


async def test_what_was_saved_is_loaded(root: Path) -> None:
    await save(root, PINNED)
    assert await load(root, generation=PINNED.generation) == PINNED
    assert (root / "trust/state.json").read_bytes() == encode(PINNED)


async def test_a_file_newer_than_the_registry_is_fine_for_it_is_written_first(root: Path) -> None:
    await save(root, PINNED)
    assert await load(root, generation=0) == PINNED


async def test_a_missing_file_is_refused_once_the_registry_knows_a_generation(root: Path) -> None:
    result = await load(root, generation=1)
    assert code(result) == "trust-state-missing"
    assert os.listdir(root / "trust") == [], "nothing is made in its place"


async def test_a_file_deleted_under_a_running_daemon_is_refused_too(root: Path) -> None:
    async with opened(root) as file:
        await file.save(PINNED)
        (root / "trust/state.json").unlink()
        assert code(await file.load(generation=0)) == "trust-state-missing"


@pytest.mark.parametrize("data", [b"", b"{}", b"\0" * 100, encode(PINNED)[:-3], encode(PINNED) + b"\n"])
async def test_a_corrupt_file_is_refused_and_left_as_it_is(root: Path, data: bytes) -> None:
    await save(root, PINNED)
    path = root / "trust/state.json"
    path.write_bytes(data)
    assert code(await load(root, generation=0)) == "trust-state-corrupt"
    assert path.read_bytes() == data


async def test_a_file_that_went_back_in_time_is_refused(root: Path) -> None:
    await save(root, PINNED)
    assert code(await load(root, generation=PINNED.generation + 1)) == "trust-state-old"


async def test_a_file_put_back_under_a_running_daemon_is_refused(root: Path) -> None:
    newer = own(PINNED, "other", owner=KEY, mark="1.0.0", now=1700000001)
    async with opened(root) as file:
        await file.save(newer)
        (root / "trust/state.json").write_bytes(encode(PINNED))
        assert code(await file.load(generation=0)) == "trust-state-old"


async def test_an_older_state_is_never_written(root: Path) -> None:
    async with opened(root) as file:
        await file.save(PINNED)
        with pytest.raises(ValueError, match="internal error"):
            await file.save(TrustState())


@pytest.mark.parametrize("mode", [0o666, 0o620])
async def test_a_file_that_others_may_write_is_refused(root: Path, mode: int) -> None:
    await save(root, PINNED)
    os.chmod(root / "trust/state.json", mode)
    assert code(await load(root, generation=0)) == "store-insecure"


async def test_a_directory_that_others_may_write_is_refused(root: Path) -> None:
    await save(root, PINNED)
    os.chmod(root / "trust", 0o777)
    with pytest.raises(Refused):
        await load(root, generation=0)


@pytest.mark.parametrize("end", powercut.ENDS)
async def test_wherever_saving_is_interrupted_the_old_or_the_new_state_is_there(root: Path, end: str) -> None:
    await save(root, PINNED)
    newer = own(PINNED, "other", owner=KEY, mark="2.0", now=1700000001)

    async def change(place: Path) -> None:
        await save(place, newer)

    for disk in powercut.points(root, end=end):
        completed = await powercut.run(change, disk)
        assert await load(disk.root, generation=1) in ([newer] if completed else [PINNED, newer])
