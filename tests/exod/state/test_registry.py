import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state.records import InstanceRecord, JobRecord, PluginRecord, Snapshot, VersionRecord
from exod.state.registry import Registry
from exod.state.writer import Writer
from exod.supervisor import ports

PLUGIN = PluginRecord("hello", "1.0.0", enabled=True, desired="running", config={"n": 1, "x": 0.5, "b": True, "s": "ü"})
VERSION = VersionRecord("hello", "1.0.0", "custom", "d" * 64, "k" * 64, "trusted", 3, 1700000000.25)
INSTANCE = InstanceRecord(1, "hello", "1.0.0", "d" * 64, bytes(range(16)), 2147000000, 77, 0, 1700000001.5)
JOB = JobRecord(1, "load", "hello", ":1.7", "running", 1700000000.0, 0.0, '[{"kind":"store-package"}]', "", "")


@asynccontextmanager
async def opened(root: Path) -> AsyncIterator[Registry]:
    writer = Writer()
    try:
        registry = await Registry.open(root / "registry.sqlite", writer=writer)
        try:
            yield registry
        finally:
            await registry.close()
    finally:
        await writer.close()


async def snapshot(root: Path) -> Snapshot:
    async with opened(root) as registry:
        return await registry.load()


async def fill(registry: Registry) -> None:
    await registry.put_plugin(PLUGIN)
    await registry.put_version(VERSION)
    await registry.put_instance(INSTANCE)
    await registry.put_job(JOB)


async def refused(code: str, work: Awaitable[object]) -> None:
    with pytest.raises(Refused) as caught:
        await work
    assert caught.value.refusal.code == code


async def test_the_registry_is_what_the_supervisor_asks_for(root: Path) -> None:
    async with opened(root) as registry:
        port: ports.Registry = registry
        assert await port.load() == Snapshot((), (), (), (), generation=0, next_instance=1, next_job=1)


async def test_every_record_survives_a_restart_as_it_was(root: Path) -> None:
    async with opened(root) as registry:
        await fill(registry)
        await registry.set_generation(4)
    expected = Snapshot((PLUGIN,), (VERSION,), (INSTANCE,), (JOB,), generation=4, next_instance=2, next_job=2)
    assert await snapshot(root) == expected
    assert type((await snapshot(root)).plugins[0].config["b"]) is bool


async def test_a_record_put_again_takes_the_place_of_the_first(root: Path) -> None:
    async with opened(root) as registry:
        await fill(registry)
        await registry.put_plugin(replace(PLUGIN, enabled=False, desired="unloaded"))
        await registry.put_version(replace(VERSION, level="vendor"))
        await registry.put_instance(replace(INSTANCE, pid=4321))
        await registry.put_job(replace(JOB, state="done", finished=1700000002.0))
        found = await registry.load()
    assert found.plugins[0].desired == "unloaded"
    assert found.versions == (replace(VERSION, level="vendor"),), "replacing a plugin must not drop its versions"
    assert found.instances[0].pid == 4321
    assert found.jobs[0].state == "done"


async def test_dropped_records_are_gone_and_may_be_dropped_again(root: Path) -> None:
    async with opened(root) as registry:
        await fill(registry)
        for _ in range(2):
            await registry.drop_instance(1)
            await registry.drop_version("hello", "1.0.0")
            await registry.drop_plugin("hello")
        found = await registry.load()
    assert (found.plugins, found.versions, found.instances) == ((), (), ())


async def test_ids_go_on_behind_the_highest_ever_used(root: Path) -> None:
    async with opened(root) as registry:
        await registry.put_plugin(PLUGIN)
        for number in (4, 9, 7):
            await registry.put_instance(replace(INSTANCE, id=number))
            await registry.put_job(replace(JOB, id=number, state="done", finished=5.0))
            await registry.drop_instance(number)
        await registry.prune_jobs(before=6.0)
    found = await snapshot(root)
    assert (found.instances, found.jobs) == ((), ())
    assert (found.next_instance, found.next_job) == (10, 10)


async def test_old_jobs_are_pruned_but_never_one_that_runs(root: Path) -> None:
    async with opened(root) as registry:
        await registry.put_job(replace(JOB, id=1, state="done", finished=10.0))
        await registry.put_job(replace(JOB, id=2, state="refused", finished=20.0))
        await registry.put_job(replace(JOB, id=3, state="running", finished=0.0))
        await registry.prune_jobs(before=20.0)
        assert [job.id for job in (await registry.load()).jobs] == [2, 3]


async def test_the_generation_never_goes_back(root: Path) -> None:
    async with opened(root) as registry:
        await registry.set_generation(5)
        await registry.set_generation(5)
        await refused("generation-old", registry.set_generation(4))
        assert (await registry.load()).generation == 5


async def test_records_that_point_nowhere_are_refused(root: Path) -> None:
    async with opened(root) as registry:
        await refused("registry-conflict", registry.put_version(VERSION))
        await refused("registry-conflict", registry.put_instance(INSTANCE))
        await fill(registry)
        await refused("registry-conflict", registry.drop_plugin("hello"))
        await refused("registry-conflict", registry.put_plugin(replace(PLUGIN, desired="dancing")))
        assert (await registry.load()).plugins == (PLUGIN,)


async def test_dropping_a_plugin_drops_its_versions(root: Path) -> None:
    async with opened(root) as registry:
        await registry.put_plugin(PLUGIN)
        await registry.put_version(VERSION)
        await registry.drop_plugin("hello")
        assert (await registry.load()).versions == ()


async def test_the_files_are_private(root: Path) -> None:
    async with opened(root) as registry:
        await fill(registry)
        modes = {name: os.stat(root / name).st_mode & 0o777 for name in os.listdir(root)}
    assert modes == {"registry.sqlite": 0o600, "registry.sqlite-wal": 0o600}


async def test_a_second_daemon_on_the_same_registry_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exod.state.registry._LOCK_WAIT", 0.01)
    async with opened(root) as registry:
        await fill(registry)
        await refused("registry-busy", snapshot(root))


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be one" * 100)


def damage_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = os.urandom(16) * 256
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    os.truncate(path, 6000)


@pytest.mark.parametrize("damage", [damage_header, damage_page, cut_short])
async def test_a_damaged_database_is_refused_with_a_hint_and_never_replaced(
    root: Path, damage: Callable[[Path], None]
) -> None:
    async with opened(root) as registry:
        await fill(registry)
    path = root / "registry.sqlite"
    damage(path)
    damaged = path.read_bytes()
    with pytest.raises(Refused) as caught:
        async with opened(root):
            pytest.fail("it was opened")
    assert caught.value.refusal.code == "registry-corrupt"
    assert "backup" in caught.value.refusal.hint
    assert path.read_bytes() == damaged


async def test_a_newer_registry_is_refused_at_open(root: Path) -> None:
    await snapshot(root)
    with closing(sqlite3.connect(root / "registry.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    await refused("registry-newer", snapshot(root))


async def test_a_link_in_place_of_the_database_is_refused(root: Path) -> None:
    (root / "registry.sqlite").symlink_to(root / "elsewhere")
    await refused("store-insecure", snapshot(root))
    assert not (root / "elsewhere").exists()


async def test_a_directory_in_place_of_the_database_is_an_error(root: Path) -> None:
    (root / "registry.sqlite").mkdir()
    with pytest.raises(OSError, match="directory"):
        await snapshot(root)


async def test_a_fifo_in_place_of_the_database_is_refused(root: Path) -> None:
    os.mkfifo(root / "registry.sqlite", 0o600)
    await refused("store-insecure", snapshot(root))


async def test_a_full_disk_is_reported_as_such_and_changes_nothing(root: Path) -> None:
    async with opened(root) as registry:
        await fill(registry)
        await registry._writer.submit(lambda: registry._database.execute("PRAGMA max_page_count = 1"))
        with pytest.raises(OSError, match="registry") as caught:
            await registry.put_job(replace(JOB, id=2, steps="x" * 400_000))
        assert caught.value.errno == errno.ENOSPC
        await registry._writer.submit(lambda: registry._database.execute("PRAGMA max_page_count = 100000"))
        await registry.put_plugin(replace(PLUGIN, desired="loaded"))
        assert (await registry.load()).plugins[0].desired == "loaded"


async def test_a_value_that_is_no_json_never_gets_in(root: Path) -> None:
    async with opened(root) as registry:
        with pytest.raises(ValueError, match="JSON"):
            await registry.put_plugin(replace(PLUGIN, config={"x": float("nan")}))
