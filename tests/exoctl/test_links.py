"""The rows of ListLinks by name, and a time as people read it."""

import pytest

from exoctl.links import time_of


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0.0, "-"), (1.0, "1 us"), (512.0, "512 us"), (1024.0, "1.024 ms"), (8_388_608.0, "8388.61 ms")],
)
def test_a_time_is_in_the_unit_that_it_is_read_in(microseconds: float, text: str) -> None:
    assert time_of({"p50": microseconds}, "p50") == text
