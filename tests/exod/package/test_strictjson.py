"""JSON with one reading."""

import pytest

from exod.package import strictjson
from exod.package.malformed import MalformedError


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1.0",
        b"1e3",
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"1" * 5000,
        b"{} {}",
        b"",
    ],
)
def test_a_value_with_a_second_reading_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        strictjson.loads(data, limit=1 << 20)


def test_size_is_looked_at_before_anything_else() -> None:
    with pytest.raises(MalformedError, match="at most 3"):
        strictjson.loads(b"\xff\xff\xff\xff", limit=3)


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b'{ "a":1}', b'{"a":-0}', b'{"a":"\\u0061"}', b'"\xc3\xa9"'])
def test_canonical_takes_one_spelling_only(data: bytes) -> None:
    strictjson.loads(data, limit=100)
    with pytest.raises(MalformedError, match="canonical"):
        strictjson.canonical(data, limit=100)


def test_what_is_written_is_canonical() -> None:
    value = {"b": [1, None, True], "a": "\u00e9"}
    assert strictjson.canonical(strictjson.dumps(value), limit=100) == value
