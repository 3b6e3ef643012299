from pathlib import Path

import pytest

from exod.state.chain import Head, Seal
from exod.state.directory import Directory
from exod.state.sealing import INITIAL, SEALING, begin, decode, encode

SEAL = Seal(Head(7, "a" * 64), b"k" * 32, "f" * 16)
LATER = Seal(Head(1 << 40, "b" * 64), b"l" * 32, "f" * 16)


def test_what_is_written_is_read_again() -> None:
    assert [decode(encode(seal)) for seal in (SEAL, LATER)] == [SEAL, LATER]


def test_every_key_is_as_long_as_the_one_whose_place_it_takes() -> None:
    assert len(encode(SEAL)) == len(encode(LATER)) == 512


def test_the_first_key_is_kept_for_the_administrator_and_names_the_succession(root: Path) -> None:
    with Directory.open(root) as directory:
        one = begin(directory, head=Head(3, "c" * 64))
        assert decode((root / INITIAL).read_bytes()) == decode((root / SEALING).read_bytes()) == one
        other = begin(directory, head=Head(3, "c" * 64))
    assert [(root / name).stat().st_mode & 0o777 for name in (INITIAL, SEALING)] == [0o600, 0o600]
    assert len({one.key, other.key}) == len({one.id, other.id}) == 2


@pytest.mark.parametrize("place", range(0, 512, 37))
def test_a_key_file_that_was_changed_anywhere_is_none(place: int) -> None:
    data = bytearray(encode(SEAL))
    data[place] ^= 0xFF
    assert decode(bytes(data)) is None


@pytest.mark.parametrize("data", [None, b"", b"a b", b" " * 512, b"\xff" * 512, encode(SEAL)[:-300], encode(SEAL)[5:]])
def test_what_is_no_key_is_none_and_no_crash(data: bytes | None) -> None:
    assert decode(data) is None
