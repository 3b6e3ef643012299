"""Two kills of a plugin that another asks without pause; many more in `make soak`."""

from pathlib import Path

import pytest

from tests.acceptance import losses


@pytest.mark.slow
def test_each_request_has_one_end_whatever_becomes_of_who_was_asked(tmp_path: Path) -> None:
    with losses.pair(tmp_path / "losses") as talkers:
        struck = [losses.strike(talkers, number) for number in range(2)]
    assert [row["violations"] for row in struck] == [[], []]
