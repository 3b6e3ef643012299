"""What may be asked at all."""

from typing import Any

import pytest

from exod.errors import Outcome, Refusal
from exod.supervisor.ports import Caller
from exod.supervisor.requests import Request, Verb, check, no_job, not_cancellable

ME = Caller(":1.1", 0)


def test_the_verbs_are_the_kinds_of_job_on_the_bus() -> None:
    words = "load install remove unload start stop suspend resume enable disable configure restore restart"
    assert [verb.value for verb in Verb] == words.split()


@pytest.mark.parametrize("verb", Verb)
def test_a_plain_request_for_a_plugin_is_well_formed(verb: Verb) -> None:
    assert (check(Request(verb, ME, "hello")) is None) is (verb is not Verb.INSTALL)


@pytest.mark.parametrize("verb", [Verb.LOAD, Verb.INSTALL])
def test_a_package_names_its_own_plugin(verb: Verb) -> None:
    assert check(Request(verb, ME, package=b"x")) is None


@pytest.mark.parametrize(
    "request_",
    [
        Request(Verb.LOAD, ME, "hello", options={"start": "yes"}),
        Request(Verb.CONFIGURE, ME, "hello", options={"values": 1}),
        Request(Verb.START, ME, "hello", package=b"x"),
        Request(Verb.START, ME),
        Request(Verb.INSTALL, ME, "hello"),
        Request(Verb.LOAD, ME),
    ],
)
def test_what_is_malformed_is_a_usage_error(request_: Request) -> None:
    found = check(request_)
    assert isinstance(found, Refusal)
    assert (found.code, found.outcome) == ("bad-request", Outcome.USAGE)
    assert found.sentence.startswith(f"cannot {request_.verb} ")


def test_a_flag_that_was_not_given_has_its_default() -> None:
    options: dict[str, Any] = {"start": True}
    request = Request(Verb.LOAD, ME, "hello", options=options)
    assert (request.flag("start"), request.flag("consent"), request.flag("enable", default=True)) == (True, False, True)


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        (Request(Verb.START, ME, "hello", options={"start": True}), "it has none"),
        (Request(Verb.LOAD, ME, "hello", options={"consent": True}), "one of: start, version"),
        (Request(Verb.LOAD, ME, package=b"x", options={"version": "1"}), "one of: start, enable, downgrade, consent"),
        (Request(Verb.INSTALL, ME, package=b"x", options={"start": True}), "one of: downgrade, consent"),
    ],
)
def test_an_option_that_is_not_known_there_names_those_that_are(request_: Request, hint: str) -> None:
    found = check(request_)
    assert isinstance(found, Refusal)
    assert (found.code, found.hint, found.outcome) == ("unknown-option", hint, Outcome.USAGE)


def test_a_package_is_never_shown_in_a_request() -> None:
    assert "secret" not in repr(Request(Verb.LOAD, ME, package=b"secret"))


def test_a_job_that_is_over_is_told_from_one_that_never_was() -> None:
    assert not_cancellable(3, "it is over").code == "not-cancellable"
    assert no_job(3).outcome is Outcome.NOT_FOUND
