"""The supervisor over the real store: what the simulation's fake disk promises, files and SQLite keep."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from exod.settings import Settings
from exod.state.store import Store
from exod.supervisor.ports import TrustInputs, World
from exod.supervisor.supervisor import Request, Supervisor, Verb
from exod.supervisor.views import JobView
from tests.simulation.disk import Disk, FakeLint, FakeTrustSource
from tests.simulation.fate import Fate, Trace
from tests.simulation.fleet import FakeResources, FakeSandbox, Host
from tests.simulation.house import MACHINE, ROOT, FakeFace
from tests.simulation.packages import FakeGate, Kit


class Clock:
    def time(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


ALICE = "a" * 64
KIT = Kit(signer=ALICE, level="dev")


@asynccontextmanager
async def daemon(root: Path, host: Host, *, fate: Fate | None = None) -> AsyncIterator[Supervisor]:
    """One run over what is in `root`; the store is closed at its end, whether or not the supervisor was."""
    fate = fate or Fate(Random(1), Trace())
    disk = Disk(inputs=TrustInputs(anchors=(ALICE, "b" * 64)))
    async with Store.open(root, data_uid=os.getuid()) as store:
        sandbox, face = FakeSandbox(host, fate), FakeFace(fate)
        world = World(
            clock=Clock(),
            chance=Random(2),
            registry=store.registry,
            packages=store.packages,
            trust_file=store.trust_file,
            trust_source=FakeTrustSource(disk),
            data=store.data,
            audit=store.audit,
            sandbox=sandbox,
            resources=FakeResources(host, fate),
            open_channel=sandbox.open,
            face=face,
            lint=FakeLint(fate),
        )
        supervisor = Supervisor(world, settings=Settings(), host=MACHINE, gate=FakeGate(), checkpoint=fate.checkpoint)
        face.supervisor = supervisor
        await supervisor.start()
        await supervisor.restored.wait()
        yield supervisor
        await supervisor._tasks.close()


async def do(supervisor: Supervisor, verb: str, kit: Kit | None = None, **options: object) -> JobView:
    plugin = "" if kit is not None else "hello"
    package = kit.data() if kit is not None else None
    request = Request(Verb(verb), ROOT, plugin, package, options)  # type: ignore[arg-type]
    return await supervisor.finished(supervisor.submit(request))


def stored(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / "packages").rglob("*.exopkg"))


async def test_a_plugin_survives_the_daemon_and_comes_back(tmp_path: Path) -> None:
    host = Host()
    async with daemon(tmp_path, host) as supervisor:
        assert (await do(supervisor, "load", KIT, start=True)).state == "done"
        assert (await do(supervisor, "configure", values={"word": "hey"})).state == "done"
    async with daemon(tmp_path, host) as supervisor:
        view = supervisor.plugins["hello"]
        assert (view.state_name, view.signer, supervisor.config("hello")["word"]) == ("running", ALICE, "hey")
        assert list(host.processes) == [1]
        assert supervisor.jobs[1].state == "done"


@pytest.mark.parametrize("purge", [False, True])
async def test_a_removed_plugin_leaves_nothing_but_data_that_nobody_purged(tmp_path: Path, purge: bool) -> None:
    host = Host()
    async with daemon(tmp_path, host) as supervisor:
        await do(supervisor, "load", KIT, start=True)
        await do(supervisor, "install", KIT.but(version="1.1.0"))
        assert (await do(supervisor, "remove", purge=purge)).state == "done"
    assert stored(tmp_path) == []
    assert (tmp_path / "data" / "hello").exists() is not purge
    assert host.processes == {}


async def test_a_replaced_package_is_gone_for_good_and_a_failed_one_never_was(tmp_path: Path) -> None:
    host = Host()
    async with daemon(tmp_path, host) as supervisor:
        await do(supervisor, "load", KIT)
        await do(supervisor, "unload")
        refused = await do(supervisor, "load", KIT.but(sequence=2, behaviour={"hello": "lie"}))
        assert refused.state == "failed"
        assert (await do(supervisor, "load", start=True)).state == "done"
        await do(supervisor, "unload")
        assert (await do(supervisor, "load", KIT.but(sequence=3), start=True)).state == "done"
    assert stored(tmp_path) == ["packages/hello/1.0.0.exopkg"]


async def test_jobs_side_by_side_are_recorded_whatever_their_order(tmp_path: Path) -> None:
    host = Host()
    async with daemon(tmp_path, host) as supervisor:
        jobs = [
            supervisor.submit(Request(Verb.LOAD, ROOT, package=KIT.but(name=name).data(), options={"start": True}))
            for name in ("a", "b", "c", "d")
        ]
        assert [(await supervisor.finished(job)).state for job in jobs] == ["done"] * 4
        bad = supervisor.submit(Request(Verb.LOAD, ROOT, package=b"rubbish"))
        assert (await supervisor.finished(bad)).state == "refused"
    async with daemon(tmp_path, host) as supervisor:
        assert {view.state_name for view in supervisor.plugins.values()} == {"running"}


POINTS = ["after:store-package", "in:register", "after:register", "after:make-data", "in:spawn", "after:go", "end"]


@pytest.mark.parametrize("point", POINTS)
async def test_a_daemon_that_dies_in_a_load_is_followed_by_one_that_undoes_it(tmp_path: Path, point: str) -> None:
    host, fate = Host(), Fate(Random(1), Trace())
    dead = asyncio.Event()
    async with daemon(tmp_path, host, fate=fate) as supervisor:
        fate.crash_point, fate.on_death = point, dead.set
        supervisor.submit(Request(Verb.LOAD, ROOT, package=KIT.data(), options={"start": True}))
        await dead.wait()
        await asyncio.sleep(0)
    async with daemon(tmp_path, host) as supervisor:
        assert dict(supervisor.plugins) == {}
        assert supervisor.jobs[1].refusal["code"] == "interrupted"
        assert (await do(supervisor, "load", KIT)).state == "done"
    assert stored(tmp_path) == ["packages/hello/1.0.0.exopkg"]
