"""Every field of both memories is written by a second process, while the ring is used: nobody is fooled."""

import pytest

from tests.exosdk.ring import scribblers

ROUNDS, WRITES = 8, 10_000


@pytest.mark.slow
@pytest.mark.parametrize("field", scribblers.FIELDS)
def test_a_field_that_somebody_else_writes_fools_nobody(field: str) -> None:
    """`make soak` does it for ten seconds each."""
    found = scribblers.rounds(field, enough=lambda rounds, writes: rounds >= ROUNDS and writes >= WRITES)
    assert found["violations"] == []
