import asyncio
import os
import threading
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state.store import Store
from exod.supervisor import ports
from exod.trust.state import TrustState
from tests.exod.state.judging import verify


async def test_everything_is_opened_together_and_closed_in_order(root: Path) -> None:
    async with Store.open(root, data_uid=2146999999) as store:
        parts: tuple[ports.Registry, ports.Packages, ports.TrustFile, ports.DataDirs, ports.Audit] = (
            store.registry,
            store.packages,
            store.trust_file,
            store.data,
            store.audit,
        )
        snapshot = await parts[0].load()
        assert await parts[2].load(generation=snapshot.generation) == TrustState()
    assert sorted(os.listdir(root)) == ["audit", "data", "packages", "registry.sqlite", "trust"]
    assert verify(root / "audit").closed


async def test_closing_leaves_no_thread_and_no_descriptor(root: Path) -> None:
    await asyncio.to_thread(int)  # the loop's own pool and its pipe exist before the count
    threads, fds = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        async with Store.open(root, data_uid=2146999999):
            pass
    assert len(os.listdir("/proc/self/fd")) == fds
    assert "exod-writer" not in [thread.name for thread in threading.enumerate()]
    assert threads <= threading.active_count() <= threads + 1


@pytest.mark.parametrize("part", ["audit", "registry.sqlite", "packages", "trust", "data"])
async def test_one_refused_part_closes_those_opened_before_it(root: Path, part: str) -> None:
    fds = len(os.listdir("/proc/self/fd"))
    (root / part).symlink_to("/tmp")
    with pytest.raises((Refused, OSError)):
        await Store.open(root, data_uid=2146999999).__aenter__()
    assert "exod-writer" not in [thread.name for thread in threading.enumerate()]
    assert len(os.listdir("/proc/self/fd")) <= fds + 1


async def test_a_state_directory_that_others_may_write_is_refused(root: Path) -> None:
    os.chmod(root, 0o777)
    with pytest.raises(Refused):
        await Store.open(root, data_uid=2146999999).__aenter__()
