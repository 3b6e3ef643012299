"""A number or a flat map of numbers is recorded; anything else is refused with one word."""

import pytest
from payload import MOST_VALUES, Reason, RefusedError, values

T = "plugin/topic"


def test_a_number_is_the_series_of_its_topic() -> None:
    assert values(T, b"20.5") == {T: 20.5}
    assert values(T, b" 3 ") == {T: 3.0}


def test_a_map_is_a_series_for_each_name() -> None:
    assert values(T, b'{"cpu.busy": 1, "load_1": 2.5, "a-b": -1e3}') == {
        f"{T}.cpu.busy": 1.0,
        f"{T}.load_1": 2.5,
        f"{T}.a-b": -1000.0,
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.NOT_NUMBERS),
        (b"\xff\xfe", Reason.NOT_NUMBERS),
        (b"NaN", Reason.NOT_NUMBERS),
        (b'{"a": -Infinity}', Reason.NOT_NUMBERS),
        (b"1e999", Reason.NOT_NUMBERS),
        (b"1" * 400, Reason.NOT_NUMBERS),
        (b"1" * 5000, Reason.NOT_NUMBERS),
        (b"true", Reason.NOT_NUMBERS),
        (b"null", Reason.NOT_NUMBERS),
        (b'"1"', Reason.NOT_NUMBERS),
        (b"[1, 2]", Reason.NOT_NUMBERS),
        (b'{"a": {"b": 1}}', Reason.NOT_NUMBERS),
        (b"[" * 10_000, Reason.NOT_NUMBERS),
        (b'{"a":' * 3000, Reason.NOT_NUMBERS),
        (b"{}", Reason.TOO_MANY),
        (b" " * 20_000 + b"1", Reason.TOO_MANY),
        (b'{"": 1}', Reason.NAME),
        (b'{"A": 1}', Reason.NAME),
        (b'{"a b": 1}', Reason.NAME),
        (b'{"a\\n": 1}', Reason.NAME),
        (b'{"../x": 1}', Reason.NAME),
        (b'{"%s": 1}' % (b"a" * 129), Reason.NAME),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_numbers_is_refused(data: bytes, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        values(T, data)
    assert caught.value.reason is reason


def test_a_map_has_so_many_names_and_no_more() -> None:
    def told(count: int) -> bytes:
        return ("{" + ", ".join(f'"n{number}": {number}' for number in range(count)) + "}").encode()

    assert len(values(T, told(MOST_VALUES))) == MOST_VALUES
    with pytest.raises(RefusedError, match="too-many"):
        values(T, told(MOST_VALUES + 1))


def test_a_topic_that_is_too_long_is_refused() -> None:
    with pytest.raises(RefusedError, match="name"):
        values("a/" * 64 + "b", b"1")


def test_what_was_lent_is_read_too() -> None:
    assert values(T, memoryview(b"1.5")) == {T: 1.5}
