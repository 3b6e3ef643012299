"""Steps, their words and their JSON."""

import json

import pytest

from exod.plan import verbs
from exod.plan.steps import Plan, Step, StepKind, decode
from exod.plan.verbs import Present
from tests.exod.plan.samples import CANDIDATE, PRESENT

GOLDEN = [
    "store-package",
    "pin-owner",
    "register",
    "make-data",
    "reserve-instance",
    "prepare-sandbox",
    "spawn",
    "check-walls",
    "go",
    "offer-services",
    "start",
    "suspend",
    "resume",
    "stop",
    "withdraw-services",
    "end-instance",
    "set-desired",
    "set-config",
    "unregister",
    "drop-package",
    "drop-data",
    "discard",
]


def every_plan() -> list[Plan]:
    alive = Present(**{**_fields(PRESENT), "state": "running", "instance": 3})
    return [
        verbs.tidy(verbs.install(Present("hello", owner="f" * 64, mark="0.1.0"), CANDIDATE)),
        verbs.bring_up("hello", version="1.0.0", digest="ab" * 32, instance=1, goal="suspended"),
        verbs.unload(alive),
        verbs.remove(alive, purge=True),
        verbs.move(PRESENT, StepKind.RESUME),
        verbs.configure(PRESENT, values="{}", keys=["word"]),
        verbs.desire(PRESENT, "running"),
    ]


def _fields(present: Present) -> dict:
    return {name: getattr(present, name) for name in present.__slots__}


def test_the_journal_knows_these_kinds_for_ever() -> None:
    assert [kind.value for kind in StepKind] == GOLDEN


def test_every_kind_of_step_says_in_words_what_it_does() -> None:
    said = {step.kind: step.describe() for plan in every_plan() for step in plan.steps}
    assert set(said) >= set(StepKind) - {StepKind.STOP, StepKind.RESUME}
    assert all("hello" in words and "{" not in words for words in said.values())
    assert said[StepKind.STORE_PACKAGE].startswith("store package hello 1.0.0 (sha256 ")


def test_words_of_a_step_name_no_instance_because_a_dry_run_has_none() -> None:
    one, two = (
        [
            step.describe()
            for step in verbs.bring_up("a", version="1", digest="d", instance=number, goal="running").steps
        ]
        for number in (1, 777)
    )
    assert one == two


def test_a_flag_reads_as_a_word() -> None:
    step = Step(StepKind.SET_DESIRED, {"plugin": "a", "desired": "running", "enabled": False})
    assert step.describe() == "remember that a is to be running, not enabled"


@pytest.mark.parametrize("plan", every_plan(), ids=lambda plan: plan.steps[0].kind)
def test_a_plan_comes_back_from_its_journal_as_it_went_in(plan: Plan) -> None:
    assert decode(plan.encode()) == plan
    assert json.loads(plan.encode())["no_return"] == plan.no_return


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"steps":[["fly",{}]],"no_return":null,"passed":false}'])
def test_a_journal_that_holds_no_plan_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode(text)
