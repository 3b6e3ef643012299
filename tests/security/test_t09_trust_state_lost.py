"""THREATS 9: the trust state deleted, corrupt, or put back from an older day: every load is refused, none accepted."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exod.errors import Refusal
from exod.state.store import Store
from exod.trust.state import TrustState, encode, own

OLD = own(TrustState(), "hello", owner="a" * 64, mark="1.0.0", now=1700000000)
NEW = own(OLD, "hello", owner="a" * 64, mark="2.0.0", now=1700000500)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A trust state as the daemon left it: the file first, then the registry's generation."""
    lib = tmp_path / "lib"
    lib.mkdir(mode=0o700)
    async with Store.open(lib, data_uid=2146999999) as store:
        await store.trust_file.save(NEW)
        await store.registry.set_generation(NEW.generation)
    return lib / "trust" / "state.json"


async def at_start(file: Path) -> TrustState | Refusal:
    """What the daemon does before it accepts anything."""
    async with Store.open(file.parents[1], data_uid=2146999999) as store:
        return await store.trust_file.load(generation=(await store.registry.load()).generation)


def write(file: Path, state: TrustState) -> None:
    file.write_bytes(encode(state))


def put_back(file: Path) -> None:
    write(file, OLD)


def forget_the_generation(file: Path) -> None:
    write(file, TrustState())


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def add_a_second_reading(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"clock":', b'"clock":1,"clock":', 1))


def replace_by_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOIL: list[tuple[Callable[[Path], None], str]] = [
    (Path.unlink, "trust-state-missing"),
    (put_back, "trust-state-old"),
    (forget_the_generation, "trust-state-old"),
    (flip_a_bit, "trust-state-"),
    (add_a_second_reading, "trust-state-corrupt"),
    (replace_by_a_directory, "store-insecure"),
    (lambda file: os.truncate(file, 0), "trust-state-corrupt"),
    (lambda file: file.chmod(0o666), "store-insecure"),
]


async def test_what_was_left_is_found(file: Path) -> None:
    assert await at_start(file) == NEW


@pytest.mark.parametrize(("spoil", "code"), SPOIL, ids=[f"{n}-{code}" for n, (_, code) in enumerate(SPOIL)])
async def test_a_state_that_was_meddled_with_is_refused_with_the_way_out(
    file: Path, spoil: Callable[[Path], None], code: str
) -> None:
    spoil(file)
    found = await at_start(file)
    assert isinstance(found, Refusal)
    assert found.code.startswith(code)
    assert found.hint


async def test_a_missing_state_is_still_missing_at_the_next_start(file: Path) -> None:
    os.unlink(file)
    assert isinstance(await at_start(file), Refusal)
    assert isinstance(await at_start(file), Refusal)
    assert os.listdir(file.parent) == []


async def test_a_crash_between_file_and_registry_refuses_nothing(file: Path) -> None:
    newer = own(NEW, "other", owner="b" * 64, mark="1.0.0", now=1700000600)
    write(file, newer)
    assert await at_start(file) == newer
