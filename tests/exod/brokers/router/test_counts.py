"""What both ends say of a link, believed as far as it is numbers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exod.brokers.router import counts

ENDS = (7, "one", "other", "normal", 256, 4096)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=6)
)


def test_a_row_has_the_senders_word_for_what_was_sent_and_the_receivers_for_what_came() -> None:
    sender = counts.read([[[7, 10, 640, 1, 3, 0]], []])
    receiver = counts.read([[], [[7, 9, 2, [0, 0, 0, 8, 1]]]])
    row = counts.row(ENDS, sender=sender, receiver=receiver)
    assert row == (*ENDS, 10, 640, 1, 3, 9, 2, 8.0, 16.0)


def test_of_who_says_nothing_everything_is_nothing() -> None:
    row = counts.row(ENDS, sender=counts.NOTHING, receiver=counts.NOTHING)
    assert row[6:] == (0, 0, 0, 0, 0, 0, 0.0, 0.0)


@given(ANYTHING)
def test_whatever_an_instance_says_a_row_is_numbers_that_fit_the_bus(said: Any) -> None:
    found = counts.read(said)
    row = counts.row(ENDS, sender=found, receiver=found)
    assert all(type(value) is int and 0 <= value < 1 << 63 for value in row[6:12])
    assert all(isinstance(value, float) for value in row[12:])


@pytest.mark.parametrize(
    ("histogram", "share", "edge"),
    [((), 0.5, 0.0), ((0, 0), 0.5, 0.0), ((1,), 0.5, 1.0), ((0, 0, 4), 0.99, 4.0), ((99, 0, 1), 0.99, 1.0),
     ((98, 0, 2), 0.99, 4.0)],
)  # fmt: skip
def test_a_quantile_is_the_upper_edge_of_its_bucket(histogram: tuple[int, ...], share: float, edge: float) -> None:
    assert counts.quantile(histogram, share) == edge


def test_rows_are_in_the_order_of_names() -> None:
    made = [counts.row((n, a, b, "normal", 1, 1), sender=counts.NOTHING, receiver=counts.NOTHING)
            for n, a, b in ((1, "b", "a"), (2, "a", "c"), (3, "a", "b"))]  # fmt: skip
    assert [row.id for row in counts.merged(made)] == [3, 2, 1]
