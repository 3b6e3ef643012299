"""A refusal in its forms: on the bus, flat in the audit and in `--json`, raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exod.errors import Outcome, Refusal, Refused

TEXT = st.text(max_size=20)


@given(st.builds(Refusal, TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3), st.sampled_from(Outcome)))
def test_a_refusal_comes_back_from_its_flat_form(refusal: Refusal) -> None:
    assert Refusal.from_fields(refusal.fields()) == refusal


def test_the_flat_form_is_flat() -> None:
    refusal = Refusal("signer-unknown", "cannot load hello: no", "exoctl key trust", {"key": "ab"})
    assert refusal.fields() == {
        "code": "signer-unknown",
        "sentence": "cannot load hello: no",
        "hint": "exoctl key trust",
        "outcome": "refused",
        "evidence.key": "ab",
    }


def test_a_flat_form_without_an_outcome_means_that_it_failed() -> None:
    assert Refusal.from_fields({"code": "x", "sentence": "cannot"}) == Refusal("x", "cannot", outcome=Outcome.FAILED)


@pytest.mark.parametrize(
    ("outcome", "name", "code"),
    [
        (Outcome.FAILED, "Failed", 1),
        (Outcome.USAGE, "InvalidArgs", 2),
        (Outcome.REFUSED, "Refused", 3),
        (Outcome.NOT_FOUND, "NotFound", 4),
        (Outcome.NOT_AUTHORIZED, "NotAuthorized", 5),
        (Outcome.UNREACHABLE, "Unreachable", 6),
        (Outcome.TIMED_OUT, "TimedOut", 7),
    ],
)
def test_an_outcome_has_one_name_on_the_bus_and_one_exit_code(outcome: Outcome, name: str, code: int) -> None:
    assert outcome.bus_name == f"org.exoos.Exod1.Error.{name}"
    assert outcome.exit_code == code


def test_no_outcome_is_missing_above() -> None:
    assert sorted(one.exit_code for one in Outcome) == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_raised_says_the_sentence_and_carries_the_refusal() -> None:
    refusal = Refusal("x", "cannot do it: no")
    assert str(Refused(refusal)) == "cannot do it: no"
    assert Refused(refusal).refusal is refusal
