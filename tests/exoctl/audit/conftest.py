"""A log that the daemon's own code wrote, in a directory, and behind the fake daemon."""

import asyncio
from pathlib import Path

import pytest

from exod.state.chain import Head
from exod.state.store import Store
from exod.supervisor.ledger import Ledger
from exod.supervisor.ports import JobRecord
from tests.exoctl.fake import FakeExod

JOB = JobRecord(1, "load", "hello", ":1.7", "done", 1.0, 2.0, "[]", "", "")


async def _fill(state: Path) -> Head:
    async with Store.open(state, data_uid=2146999999) as store:
        ledger = Ledger(store.audit)
        for number in range(8):
            ledger.note("job", job=number, kind="load", plugin="hello" if number % 2 else "other", state="done")
            await store.registry.put_job(JOB)
        ledger.note("fault", plugin="hello", sentence="cannot keep hello: \x1b[2J", code="unhealthy")
    return store.audit.head


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a development daemon leaves behind, after a clean stop; `audit` below it."""
    place = tmp_path / "lib"
    place.mkdir(mode=0o700)
    asyncio.run(_fill(place))
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    return place


@pytest.fixture
def log(state: Path) -> Path:
    return state / "audit"


@pytest.fixture
def served(exod: FakeExod, log: Path) -> FakeExod:
    """The fake daemon gives the files out, as they are whenever it is asked."""
    known = {"initial_key": "here"}

    def listed(*_: object) -> list[object]:
        return [[[path.name, path.stat().st_size] for path in sorted(log.glob("audit-*"))], known]

    def read(_path: str, name: str, offset: int) -> list[object]:
        return [(log / name).read_bytes()[offset : offset + 100]]

    exod.answers |= {"ListAudit": listed, "ReadAudit": read}
    return exod
