"""What handlers may reach, and the table of them."""

import pytest

from exod.plan.steps import Step, StepKind
from exod.supervisor.executor import DEADLINE
from exod.supervisor.handlers import HANDLERS, Hands
from exod.supervisor.handlers.hands import nothing
from tests.simulation.house import House, played

STEP = Step(StepKind.GO, {"plugin": "hello", "instance": 1})


def test_every_kind_of_step_has_its_handler_and_a_deadline() -> None:
    assert set(HANDLERS) == set(StepKind)
    assert DEADLINE > 0


@played
async def test_a_step_that_needs_what_is_not_there_is_a_bug_of_ours(house: House) -> None:
    hands = Hands(house.supervisor._roster)
    for reach in (hands.needed, hands.needed_config, lambda: hands.live(STEP)):
        with pytest.raises(RuntimeError, match="without"):
            reach()
    assert hands.plugin(STEP) is None
    await nothing(hands, STEP)


@pytest.mark.parametrize("kind", [kind for kind in StepKind if kind is not StepKind.SPAWN])
@played
async def test_every_undo_is_right_after_a_restart_and_may_run_twice(house: House, kind: StepKind) -> None:
    """With nothing left to undo, and nobody to ask: neither raises nor changes what is there."""
    await house.load()
    job = max(house.disk.jobs)
    steps = {step.kind: step for step in house.executed(job)}
    if kind not in steps:
        return
    hands = Hands(house.supervisor._roster)
    await house.do("remove", "hello", purge=True)
    before = (dict(house.disk.packages), dict(house.disk.plugins), dict(house.disk.data))
    for _ in range(2):
        await HANDLERS[kind].undo(hands, steps[kind])
    assert (dict(house.disk.packages), dict(house.disk.plugins), dict(house.disk.data)) == before
