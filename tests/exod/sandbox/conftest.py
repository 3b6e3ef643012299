"""A host per test: it starts a keeper of its own and must leave nothing behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exod.sandbox.rig import Rig, attached


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with attached(tmp_path) as rig:
        yield rig
