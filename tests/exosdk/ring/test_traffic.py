"""Ends of rings are killed in mid-traffic: the other end lives, and has everything up to the last message or slot."""

from tests.exosdk.ring import traffic


def test_a_killed_end_leaves_no_gap_no_double_and_no_changed_message() -> None:
    """A fraction of what `make soak` does."""
    assert [found for found in map(traffic.strike, range(40)) if found["violations"]] == []
