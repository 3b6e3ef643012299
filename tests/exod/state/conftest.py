"""A private directory and a writer thread for every test of the room."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from exod.state.writer import Writer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What /var/lib/exod is in production: root's own, 0700."""
    place = tmp_path / "lib"
    place.mkdir(mode=0o700)
    return place


@pytest_asyncio.fixture
async def writer() -> AsyncIterator[Writer]:
    thread = Writer()
    yield thread
    await thread.close()
