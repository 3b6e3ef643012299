"""The scan that stands before the decoder."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exosdk.nesting import MAX_DEPTH, MAX_ITEMS, check
from exosdk.signature import MalformedError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=40,
)


@given(VALUES)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_every_ordinary_value_passes(value: object) -> None:
    check(msgspec.msgpack.encode(value))


@pytest.mark.parametrize("size", [15, 16, 31, 32, 255, 256, 65535, 65536])
def test_every_width_of_a_size_is_read(size: int) -> None:
    for value in ("x" * size, b"x" * size, [None] * min(size, 16_000), {str(n): n for n in range(min(size, 5_000))}):
        check(msgspec.msgpack.encode(value))


def test_numbers_of_every_width_pass() -> None:
    check(msgspec.msgpack.encode([1, 200, 40_000, 1 << 31, 1 << 63, -1, -100, -30_000, -(1 << 31), -(1 << 62), 0.5]))
    check(b"\xca\x00\x00\x00\x00")


def nested(depth: int) -> bytes:
    return b"\x91" * depth + b"\xc0"


def test_depth_up_to_the_limit_passes() -> None:
    check(nested(MAX_DEPTH))


@pytest.mark.parametrize(
    "opening", [b"\x91", b"\x81\xa0", b"\xdc\x00\x01", b"\xdd\x00\x00\x00\x01", b"\xdf\0\0\0\1\xa0"]
)
def test_deeper_is_refused_whatever_opens_the_level(opening: bytes) -> None:
    with pytest.raises(MalformedError, match="nested"):
        check(opening * (MAX_DEPTH + 1) + b"\xc0")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xa5abc",
        b"\x92\x01",
        b"\x81\x01",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xcf\x00",
        b"\xd9",
        b"\xdc\x00",
    ],
)
def test_a_message_that_ends_too_soon_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        check(data)


def test_what_follows_the_value_is_refused() -> None:
    with pytest.raises(MalformedError, match="where its value ends"):
        check(b"\xc0\xc0")


@pytest.mark.parametrize("byte", [0xC1, 0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8])
def test_extensions_are_refused(byte: int) -> None:
    with pytest.raises(MalformedError, match="extension"):
        check(bytes([byte, 1, 1, *[0] * 16]))


def test_a_message_of_very_many_items_is_refused() -> None:
    check(msgspec.msgpack.encode([0] * (MAX_ITEMS - 1)))
    with pytest.raises(MalformedError, match="items"):
        check(msgspec.msgpack.encode([0] * MAX_ITEMS))
    with pytest.raises(MalformedError, match="items"):
        check(msgspec.msgpack.encode([[0] * 9_000, [0] * 9_000]))


@given(st.binary(max_size=200))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_bytes_are_accepted_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        check(data)
    except MalformedError:
        return
    msgspec.msgpack.Decoder(msgspec.Raw).decode(data)
