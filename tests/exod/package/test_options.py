"""The `[config]` table, and values checked against it."""

from typing import Any

import pytest

from exod.errors import Outcome, Refusal
from exod.package import options
from exod.package.malformed import MalformedError
from exod.package.options import TABLE, Option

TABLE_ROWS = {
    "interval": {"type": "number", "default": 1, "minimum": 0.1, "maximum": 60, "help": "seconds"},
    "count": {"type": "integer", "default": 3, "minimum": 1},
    "loud": {"type": "boolean", "default": False},
    "greeting": {"type": "string", "default": "Hello", "choices": ["Hello", "Ahoy"]},
    "note": {"type": "string", "default": "", "maximum": 5},
}


@pytest.fixture
def rows() -> tuple[Option, ...]:
    parsed: tuple[Option, ...] = TABLE.read(TABLE_ROWS, at="config")
    return parsed


def test_options_are_parsed_with_their_defaults_typed(rows: tuple[Option, ...]) -> None:
    assert [option.name for option in rows] == sorted(TABLE_ROWS)
    interval = next(option for option in rows if option.name == "interval")
    assert interval == Option("interval", "number", 1.0, 0.1, 60.0, (), "seconds")
    assert isinstance(interval.default, float)


def test_values_are_completed_and_typed(rows: tuple[Option, ...]) -> None:
    values = options.check(rows, {"interval": 2, "loud": True, "greeting": "Ahoy"})
    assert values == {"count": 3, "greeting": "Ahoy", "interval": 2.0, "loud": True, "note": ""}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("interval", 0.01),
        ("interval", 61),
        ("interval", float("nan")),
        ("interval", float("inf")),
        ("interval", True),
        ("interval", "1"),
        ("count", 0),
        ("count", 1.5),
        ("count", True),
        ("count", 2**63),
        ("loud", 1),
        ("greeting", "Hi"),
        ("greeting", 1),
        ("note", "sixsix"),
        ("note", "a\x1b"),
        ("note", "x" * 5000),
        ("unknown", 1),
        ("no\nsuch", 1),
    ],
)
def test_a_wrong_value_is_refused_by_name(rows: tuple[Option, ...], name: str, value: object) -> None:
    found = options.check(rows, {name: value})
    assert isinstance(found, Refusal)
    assert found.outcome is Outcome.USAGE
    assert found.sentence.startswith("cannot set ")
    assert found.sentence.isprintable()
    if name != "no\nsuch":
        assert found.evidence == {"key": name}


@pytest.mark.parametrize(
    "row",
    [
        {"type": "number"},
        {"type": "date", "default": 1},
        {"type": "number", "default": float("nan")},
        {"type": "number", "default": []},
        {"type": "number", "default": 1, "minimum": 2},
        {"type": "number", "default": 1, "maximum": 0},
        {"type": "number", "default": 1, "minimum": 2, "maximum": 0},
        {"type": "number", "default": 1, "minimum": "0"},
        {"type": "number", "default": 1, "minimum": float("inf")},
        {"type": "boolean", "default": True, "minimum": 0},
        {"type": "integer", "default": 1, "choices": ["1"]},
        {"type": "string", "default": "c", "choices": ["a", "b"]},
        {"type": "string", "default": "c", "help": "\u202e"},
    ],
)
def test_an_option_that_contradicts_itself_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        TABLE.read({"x": row}, at="config")
    assert caught.value.key.startswith("config.x")


@pytest.mark.parametrize("name", ["X", "", "a b", "a__b", "-a", "a" * 64])
def test_an_option_has_a_plain_name(name: str) -> None:
    with pytest.raises(MalformedError):
        TABLE.read({name: {"type": "boolean", "default": True}}, at="config")
