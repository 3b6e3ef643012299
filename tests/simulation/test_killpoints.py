"""Every kill point of every kind of job, enumerated: the next daemon finds all of the job or none of it."""

import pytest

from exod.plan.steps import StepKind
from tests.simulation.killpoints import CASES, Case, kill_everywhere, points


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_kill_at_any_point_leaves_all_of_the_job_or_none(case: Case) -> None:
    wrong = {result.point: result.problems for result in kill_everywhere(case) if result.problems}
    assert not wrong


def test_every_kind_of_step_is_killed_before_and_after_and_every_undo_on_its_way() -> None:
    seen = {point for case in CASES for point in points(case)[0]}
    for kind in StepKind:
        assert f"before:{kind}" in seen
        assert f"after:{kind}" in seen or kind is StepKind.DISCARD
    undone = {kind for kind in StepKind if f"undo:{kind}" in seen}
    never = {StepKind.END_INSTANCE, StepKind.DISCARD, StepKind.SUSPEND, StepKind.RESUME, StepKind.STOP}
    assert undone >= set(StepKind) - never - {StepKind.WITHDRAW_SERVICES}
