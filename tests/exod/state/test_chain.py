import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exod.state import chain
from exod.state.chain import Head, Record, Seal

RECORD = Record(1700000000.5, "job-refused", "exod", {"plugin": "hello", "text": "a\u202eb\n\0"})
FIRST = Seal(Head(), b"k" * 32, "0" * 16)


def test_a_line_is_ascii_with_every_control_character_escaped() -> None:
    data, _ = chain.line(RECORD, after=FIRST)
    assert data.endswith(b"\n")
    assert all(32 <= byte < 127 for byte in data[:-1])
    assert chain.row(data[:-1])["fields"] == RECORD.fields


def test_the_key_goes_one_step_with_each_record_and_keeps_its_name() -> None:
    seals = [FIRST]
    for _ in range(4):
        seals.append(chain.line(RECORD, after=seals[-1])[1])
    assert len({seal.key for seal in seals}) == len({seal.proof for seal in seals}) == 5
    assert {seal.id for seal in seals} == {FIRST.id}
    assert [seal.head.seq for seal in seals] == [0, 1, 2, 3, 4]


def test_no_mac_gives_the_key_or_the_next_one_away() -> None:
    data, after = chain.line(RECORD, after=FIRST)
    said = data.decode() + FIRST.proof
    assert FIRST.key.hex() not in said
    assert after.key.hex() not in said


def test_a_line_follows_the_seal_it_was_made_with_and_no_other() -> None:
    data, after = chain.line(RECORD, after=FIRST)
    line = data[:-1]
    assert chain.follow(line, after=FIRST) == after
    assert chain.follow(line, after=replace(FIRST, key=b"x" * 32)) is None
    assert chain.follow(line, after=replace(FIRST, head=Head(1))) is None
    assert chain.follow(line, after=replace(FIRST, head=Head(0, "1" * 64))) is None
    assert chain.follow(line + b" ", after=FIRST) is None


def test_a_record_of_another_spelling_follows_nothing() -> None:
    data, _ = chain.line(RECORD, after=FIRST)
    row = json.loads(data)
    assert chain.row(json.dumps(row).encode()) == {}
    assert chain.follow(chain.dumps(row | {"extra": ""}), after=FIRST) is None
    assert chain.follow(chain.dumps(row | {"fields": {"a": 1}}), after=FIRST) is None
    for key in row:
        less = {name: value for name, value in row.items() if name != key}
        assert chain.follow(chain.dumps(less), after=FIRST) is None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[1]", b"\xff", b"null", b"[" * 5000, b'{"seq":1}', b"9" * 5000, b'{"a":NaN}',
        b'{"a":' + b"[" * 990 + b"]" * 990 + b"}", b'{"time":"x","event":1,"source":2,"fields":3}',
    ],
)  # fmt: skip
def test_what_is_no_record_follows_nothing_and_crashes_nothing(data: bytes) -> None:
    assert chain.follow(data, after=FIRST) is None
    assert type(chain.row(data)) is dict


@given(st.binary(max_size=300))
def test_any_bytes_follow_nothing(data: bytes) -> None:
    assert chain.follow(data, after=FIRST) is None


@given(st.integers(0, 400), st.integers(1, 255))
def test_any_changed_byte_of_a_line_is_noticed(place: int, by: int) -> None:
    data, _ = chain.line(RECORD, after=FIRST)
    changed = bytearray(data[:-1])
    changed[place % len(changed)] ^= by
    assert chain.follow(bytes(changed), after=FIRST) is None
