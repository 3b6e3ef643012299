"""A share of `make soak`'s cycles, kills and faults, and what their judges see when something is wrong."""

from pathlib import Path
from random import Random

import pytest

from tests.adoption.findings import Findings
from tests.endurance import cycles, deaths, faults, gauges, mutants
from tests.endurance.gauges import Gauge
from tests.endurance.home import NEIGHBOUR, home, leftovers

SEEDS = [seed for word in sorted({*faults.KINDS}) for seed in range(200) if faults.kind(seed) == word][::7]


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_is_left_of_plugins_that_came_and_went_or_were_killed(tmp_path: Path) -> None:
    found: list[Findings] = []
    async with home(tmp_path / "dev", policies=deaths.POLICIES) as at:
        await cycles.run(at, range(5), report=found.append)
        await deaths.Reaper(at).run(range(8), report=found.append)
        assert await at.disturbed() == []
        assert await at.stop() == 0
    assert [one.faults for one in found] == [[]] * 13
    assert await leftovers(tmp_path / "dev", keys=False) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_plugin_with_any_fault_disturbs_nobody_and_is_named_or_sound(tmp_path: Path) -> None:
    found: list[faults.Fault] = []
    async with home(tmp_path / "dev", policies=faults.POLICIES) as at:
        await faults.run(at, SEEDS, report=found.append)
        assert await at.disturbed() == []
        assert await at.stop() == 0
    assert {one.seed: one.faults for one in found if one.faults} == {}
    assert {one.seed for one in found} == {*SEEDS}
    assert {one.kind for one in found} == {*faults.KINDS}
    assert await leftovers(tmp_path / "dev", keys=False) == []


@pytest.mark.slow
async def test_the_judge_sees_a_neighbour_that_was_disturbed_and_an_instance_that_lives(
    tmp_path: Path,
) -> None:
    async with home(tmp_path / "dev") as at:
        neighbour = await at.living(NEIGHBOUR)
        traces = await at.remains(neighbour)
        at.executed += 1
        forgotten = await at.disturbed()
        deaths.kill(neighbour.pid)
        await at.until(NEIGHBOUR, "error")
        silent = await at.greet()
    assert {trace.partition(" ")[0] for trace in traces} == {"process", "namespace", "cgroup"}
    assert [words.partition(", not ")[0].partition(" [")[0] for words in forgotten] == ["the neighbour remembers"]
    assert silent[0].startswith("the neighbour did not answer call 2")


def test_what_grows_is_seen_and_what_warms_up_is_not() -> None:
    warm = [Gauge(30_000, 20, 2)] * 20 + [Gauge(40_000, 30, 3)] * 80
    leak = [Gauge(40_000 + 50 * turn, 30 + turn // 10, 3 + turn // 20) for turn in range(100)]
    assert gauges.grown(warm) == []
    assert [words.split()[0] for words in gauges.grown(leak)] == ["rss", "fds", "threads"]


def test_a_seed_makes_the_same_mutant_again_and_another_seed_another() -> None:
    source = (mutants.ECHO / "code/echo.py").read_text()
    made = [mutants.mutant(source, Random(seed)) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
