import pytest

from exoctl.faults import from_error
from exod.errors import Outcome


@pytest.mark.parametrize("outcome", list(Outcome))
def test_exods_own_errors_keep_all_their_fields(outcome: Outcome) -> None:
    refusal = from_error(outcome.bus_name, ["cannot x", "code", "do y", {"k": "v"}], path="/", member="M")
    assert refusal.fields() == {
        "code": "code",
        "sentence": "cannot x",
        "hint": "do y",
        "outcome": outcome.name.lower(),
        "evidence.k": "v",
    }


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("ServiceUnknown", Outcome.UNREACHABLE),
        ("AccessDenied", Outcome.NOT_AUTHORIZED),
        ("UnknownObject", Outcome.NOT_FOUND),
        ("InvalidArgs", Outcome.USAGE),
        ("NoReply", Outcome.TIMED_OUT),
        ("Spawn.ChildExited", Outcome.UNREACHABLE),
        ("SomethingElse", Outcome.FAILED),
    ],
)
def test_the_buss_errors_have_an_exit_code_too(name: str, outcome: Outcome) -> None:
    assert from_error(f"org.freedesktop.DBus.Error.{name}", ["text"], path="/x", member="M").outcome is outcome


def test_an_error_without_text_is_known_by_its_name() -> None:
    refusal = from_error("org.example.Error.OutOfCoffee", [], path="/x", member="Brew")
    assert (refusal.code, refusal.sentence) == (
        "out-of-coffee",
        "cannot call Brew of /x: org.example.Error.OutOfCoffee",
    )
