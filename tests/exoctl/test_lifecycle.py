import pytest

from exoctl.lifecycle import flags
from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_only_what_was_given_is_sent() -> None:
    sent = flags(start=True, enable=False, version="1.0", nothing=None, empty="")
    assert {name: (value.signature, value.value) for name, value in sent.items()} == {
        "start": ("b", True),
        "version": ("s", "1.0"),
    }


@pytest.mark.parametrize("code", ["unknown-object", "not-found"])
def test_a_plan_for_nobody_is_not_found(exod: FakeExod, exoctl: Exoctl, code: str) -> None:
    exod.refuses("Plan", Refusal(code, "cannot plan", outcome=Outcome.NOT_FOUND))
    assert exoctl("--json", "plugin", "start", "hello", "--dry-run").error["code"] == "unknown-plugin"


def test_other_refusals_of_a_plan_are_passed_on(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("Plan", Refusal("wrong-state", "cannot start hello: it is running"))
    assert exoctl("--json", "plugin", "start", "hello", "--dry-run").error["code"] == "wrong-state"


def test_a_plan_without_steps_says_so(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Plan"] = lambda *_: [[]]
    assert exoctl("plugin", "enable", "hello", "--dry-run").out == "nothing would change\n"
