"""Threat 24: `kill -9` of the daemon, the keeper or a plugin at any point, a power cut between any two writes: no
record lost, no half-installed package, no orphan process. On the simulated host; `make soak` kills the real daemon.
"""

import pytest

from tests.simulation.driver import bury
from tests.simulation.house import House, played
from tests.simulation.killpoints import CASES, Case, kill_everywhere
from tests.simulation.packages import Kit

TOLD = [case for case in CASES if case.name in ("load", "load of a new owner", "unload", "remove", "configure")]


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case.name.replace(" ", "-"))
def test_a_daemon_killed_around_any_write_leaves_all_of_the_job_or_none(case: Case) -> None:
    results = list(kill_everywhere(case))
    assert len(results) >= 10
    assert [result for result in results if result.problems] == []


@played
async def test_what_was_acknowledged_is_never_lost(house: House) -> None:
    for number in range(5):
        job = await house.load(Kit(f"plugin-{number}"))
        assert job.state == "done"
        await bury(house)
        supervisor = await house.boot()
        assert {view.state_name for view in supervisor.plugins.values()} == {"running"}
        assert len(supervisor.plugins) == number + 1
        assert supervisor.jobs[job.id].state == "done"


@played
async def test_a_killed_keeper_leaves_no_orphan_and_nothing_is_forgotten(house: House) -> None:
    await house.load()
    house.sandbox.lose_keeper()
    await bury(house)
    supervisor = await house.boot()
    assert supervisor.plugins["hello"].state_name == "running"
    assert set(house.host.processes) == set(house.disk.instances)
