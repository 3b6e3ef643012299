"""A host per test: it starts a keeper of its own and must leave nothing behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.sandbox.residue import look
from tests.exod.sandbox.rig import Rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.attach()
    try:
        yield rig
    finally:
        await rig.host.close()
    assert look(rig.scope()) == frozenset()
