"""Ends of rings are killed in mid-traffic: the other end lives, and has everything up to the last message or slot."""

from tests.exosdk.ring import traffic


def test_a_killed_end_leaves_no_gap_no_double_and_no_changed_message() -> None:
    """A fraction of what `make soak` does."""
    assert [found for found in map(traffic.strike, range(40)) if found["violations"]] == []


def test_a_long_stream_is_received_whole_and_in_order() -> None:
    """`make soak` sends a thousand times as many."""
    assert traffic.stream(1 << 40, 100_000) == {"first": 1 << 40, "messages": 100_000, "violations": []}
