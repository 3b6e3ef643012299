"""Six plugins that all publish to each other; fifty in `make soak`."""

from pathlib import Path

import pytest

from exod.package.limits import Limits
from tests.acceptance import mesh


@pytest.mark.slow
def test_each_hears_all_of_each_in_order(tmp_path: Path) -> None:
    heard = mesh.run(tmp_path / "mesh", count=6, rounds=60)
    names = set(heard.counts)
    assert heard.links == {(one, other) for one in names for other in names - {one}}
    assert all(of == dict.fromkeys(names - {name}, 60) for name, of in heard.counts.items())
    assert (heard.wrong, heard.missed) == (0, heard.dropped)
    assert max(heard.memory.values()) < Limits().memory
    assert max(heard.files.values()) < Limits().files
