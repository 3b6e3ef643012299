"""The monitor over real sandboxes: each look is asked for by the test, and nothing waits for a clock."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from exod.brokers.resources import monitor as monitors
from exod.brokers.resources.kernel import Kernel
from exod.brokers.resources.monitor import Monitor
from exod.brokers.resources.rules import Subject, Verdict
from exod.package.limits import Limits
from tests.exod.sandbox.rig import LIMITS as HOST
from tests.exod.sandbox.rig import Peer, Rig, attached

LIMITS = Limits(memory=28 << 20, cpu=20, files=64, tasks=8, storage=1 << 20)


class Watch:
    """A monitor that looks when it is told to, on a clock that the test moves."""

    def __init__(self, rig: Rig) -> None:
        self.now = 0.0
        self.rig = rig
        self.living: dict[int, Subject] = {}
        self.heard: list[tuple[int, Verdict]] = []
        self.kernel = Kernel(rig.directory)  # that never began, and so holds nothing: the monitor does it all
        self.monitor = Monitor(self.kernel, group=rig.host.group, data=rig.directory / "data", clock=lambda: self.now)

    async def start(self, number: int, limits: Limits = LIMITS, *, plugin: str = "hello") -> Peer:
        peer = await self.rig.start(number, plugin=plugin)
        self.living[number] = Subject(number, plugin, peer.pid, limits)
        return peer

    async def look(self, *, after: float = 1.0) -> list[tuple[int, str, bool]]:
        """What is said of whom, and whether it ends it."""
        self.now += after
        self.heard.clear()
        await self.monitor.sweep(self.living.values, lambda number, verdict: self.heard.append((number, verdict)))
        return [(number, verdict.limit, verdict.ends) for number, verdict in self.heard]


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    async with attached(tmp_path) as rig:
        yield Watch(rig)


async def test_idle_plugins_are_left_in_peace_and_use_little(watch: Watch) -> None:
    for number in (1, 2, 3):
        (await watch.start(number)).end.close()
    assert await watch.look() == await watch.look() == []
    usage = watch.monitor.usage(watch.living[1])
    assert 0 < usage.memory < 8 << 20
    assert (usage.tasks, usage.storage) == (1, 0)
    assert 3 < usage.files < 16
    assert usage.cpu_time > 0
    assert 0 <= usage.ran < 60
    assert set(watch.monitor.pressure(1)) <= {"cpu", "io", "memory"}


async def test_what_nobody_looked_at_yet_is_looked_at_when_it_is_asked_for(watch: Watch) -> None:
    (await watch.start(1)).end.close()
    assert 0 < watch.monitor.usage(watch.living[1]).memory < 8 << 20
    assert watch.monitor.usage(Subject(99, "gone", os.getpid() + 1_000_000, LIMITS)).memory == 0
    assert watch.monitor.pressure(99) == {}


async def test_a_memory_hog_is_warned_and_then_named_and_its_neighbour_is_not(watch: Watch) -> None:
    hog, neighbour = await watch.start(1), await watch.start(2)
    with hog.end, neighbour.end:
        assert await watch.look() == []
        assert hog.ask("globals().__setitem__('a', b'x' * (24 << 20))") == "None"
        assert await watch.look() == [(1, "memory", False)]
        assert await watch.look() == []
        watch.living[1] = replace(watch.living[1], limits=replace(LIMITS, memory=20 << 20))
        assert await watch.look() == [(1, "memory", True)]
        assert watch.heard[0][1].used > 20 << 20
        assert neighbour.ask("1 + 1") == "2"


async def test_memory_that_is_shared_with_the_zygote_is_nobodys(watch: Watch) -> None:
    """Small limits are looked at closely: what seems to be used is several times what is."""
    (await watch.start(1, replace(LIMITS, memory=6 << 20))).end.close()
    assert await watch.look() == []
    assert watch.monitor.usage(watch.living[1]).memory < 4 << 20


async def test_one_that_gave_memory_back_is_looked_at_again_and_never_uses_nothing(watch: Watch) -> None:
    (await watch.start(1)).end.close()
    await watch.look()
    watch.monitor._watched[1].shared += 1 << 30
    await watch.look()
    assert 0 < watch.monitor.usage(watch.living[1]).memory < 8 << 20


async def test_more_threads_than_allowed_are_seen(watch: Watch) -> None:
    peer = await watch.start(1, replace(LIMITS, tasks=3))
    with peer.end:
        bomb = "[__import__('_thread').start_new_thread(os.read, (__import__('os').pipe()[0], 1)) for _ in range(%d)]"
        assert peer.ask(bomb % 2)[0] == "["
        assert await watch.look() == [(1, "tasks", False)]
        peer.ask(bomb % 2)
        assert await watch.look() == [(1, "tasks", True)]
        assert (watch.heard[0][1].used, watch.heard[0][1].allowed) == (5, 3)


async def test_more_descriptors_than_allowed_are_seen(watch: Watch) -> None:
    peer = await watch.start(1, replace(LIMITS, files=20))
    with peer.end:
        assert await watch.look() == []
        peer.ask("[os.dup(3) for _ in range(20)]")
        assert await watch.look() == [(1, "files", True)]


async def test_storage_is_counted_apart_and_judged_at_the_next_look(watch: Watch) -> None:
    home = watch.rig.directory / "data/hello"
    home.mkdir()
    (await watch.start(1)).end.close()
    assert await watch.look() == []
    (home / "large").write_bytes(bytes((1 << 20) - 100_000))
    await watch.monitor.walk(watch.living.values)
    assert await watch.look() == [(1, "storage", False)]
    (home / "more").write_bytes(bytes(200_000))
    await watch.monitor.walk(watch.living.values)
    assert await watch.look() == [(1, "storage", True)]


async def test_what_an_instance_left_is_not_held_against_the_next_before_it_is_counted_anew(watch: Watch) -> None:
    large = watch.rig.directory / "data/hello/large"
    large.parent.mkdir()
    large.write_bytes(bytes(2 << 20))
    (await watch.start(1)).end.close()
    await watch.monitor.walk(watch.living.values)
    assert await watch.look() == [(1, "storage", True)]
    del watch.living[1]
    large.unlink()
    (await watch.start(2)).end.close()
    assert await watch.look() == []
    await watch.monitor.walk(watch.living.values)
    assert await watch.look() == []


async def test_what_was_unlinked_and_is_still_held_is_stored(watch: Watch) -> None:
    home = watch.rig.directory / "data/hello"
    home.mkdir()
    os.chown(home, HOST.data_uid, HOST.data_uid)
    peer = await watch.start(1)
    with peer.end:
        peer.ask("globals().__setitem__('kept', open('/state/hidden', 'wb', buffering=0)).__class__")
        peer.ask("(kept.write(bytes(1 << 20)), os.unlink('/state/hidden'))")
        await watch.monitor.walk(watch.living.values)
        assert await watch.look() == [(1, "storage", True)]
        peer.ask("kept.close()")
        await watch.monitor.walk(watch.living.values)
        assert await watch.look() == []


async def test_time_asleep_is_no_time_it_ran(watch: Watch) -> None:
    (await watch.start(1, replace(LIMITS, run_time=3600.0))).end.close()
    watch.living[1] = replace(watch.living[1], state="suspended")
    await watch.look()
    before = watch.monitor.usage(watch.living[1]).ran
    assert await watch.look(after=5000.0) == []
    assert 0.0 == watch.monitor.usage(watch.living[1]).ran <= before


async def test_one_that_may_not_run_longer_is_ended(watch: Watch) -> None:
    (await watch.start(1, replace(LIMITS, run_time=1e-9))).end.close()
    watch.monitor._see(watch.living[1])
    watch.monitor._watched[1].asleep = -60.0
    assert await watch.look() == [(1, "run-time", True)]


BURN = "all(iter(lambda: __import__('time').process_time() < {}, False))"


async def test_a_busy_plugin_is_ended_once_it_was_busy_for_long(watch: Watch) -> None:
    peer = await watch.start(1, replace(LIMITS, cpu=1))
    with peer.end:
        assert await watch.look() == []
        assert peer.ask(BURN.format(0.1)) == "True"
        assert await watch.look(after=5.0) == [(1, "cpu", False)]
        assert peer.ask(BURN.format(0.4)) == "True"
        assert await watch.look(after=15.0) == [(1, "cpu", True)]


async def test_what_all_use_is_one_row_each(watch: Watch) -> None:
    for number in (1, 2):
        (await watch.start(number)).end.close()
    watch.living[2] = replace(watch.living[2], state="loaded", restarts=3)
    first, second = watch.monitor.rows(watch.living.values())
    assert (first[:4], second[:4]) == ((1, "hello", "running", 0), (2, "hello", "loaded", 3))
    usage = watch.monitor.usage(watch.living[1])
    assert first[4:] == (usage.memory, usage.cpu_percent, usage.tasks, usage.files, usage.io, usage.storage, usage.ran)


async def test_who_ended_is_forgotten_and_nobody_is_blamed(watch: Watch) -> None:
    (await watch.start(1)).end.close()
    await watch.look()
    await watch.rig.host.discard(1)
    assert await watch.look() == []
    assert watch.monitor._watched == {}
    watch.living.clear()
    assert await watch.look() == []


async def test_the_cap_of_a_start_is_lowered_once_it_is_over(watch: Watch, tmp_path: Path) -> None:
    (await watch.start(1)).end.close()
    group = tmp_path / "group"
    group.mkdir()
    real = watch.rig.host.group(1)
    for name, text in {
        "cpu.max": "100000 100000",
        "cpu.stat": (real / "cpu.stat").read_text(),
        "cgroup.procs": "",
    }.items():
        (group / name).write_text(text)
    watch.kernel.held = frozenset(["cpu"])
    watch.monitor = Monitor(watch.kernel, group=lambda _: group, data=tmp_path)
    watch.living[1] = replace(watch.living[1], state="loading")
    await watch.look()
    assert (group / "cpu.max").read_text() == "100000 100000"
    watch.living[1] = replace(watch.living[1], state="running")
    await watch.look()
    assert (group / "cpu.max").read_text().startswith("20000 100000")


async def test_it_goes_on_looking_until_it_is_told_to_stop(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "INTERVAL", 0.0)
    monkeypatch.setattr(monitors, "STORAGE_INTERVAL", 0.0)
    looks, three = 0, asyncio.Event()

    def living() -> list[Subject]:
        nonlocal looks
        looks += 1
        if looks > 6:
            three.set()
        return []

    task = asyncio.create_task(watch.monitor.watch(living, lambda number, verdict: None))
    await three.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
