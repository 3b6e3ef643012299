"""A sandbox host per test, unless the test makes one of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exod.sandbox.rig import Rig, attached


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with attached(tmp_path) as rig:
        yield rig
