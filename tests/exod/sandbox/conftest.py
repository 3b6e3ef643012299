"""A host per test: it starts a keeper of its own and must leave nothing behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.brokers.doctor.residue import look
from tests.exod.sandbox.rig import Rig, ending


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        yield rig
    assert look(rig.scope()) == frozenset()
