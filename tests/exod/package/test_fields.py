"""Tables of fields: what every document built of them refuses alike."""

from typing import Any

import pytest

from exod.package.fields import Choice, Digits, Field, Flag, Kind, List, Name, Named, Number, Shown, Table, Text, Whole
from exod.package.malformed import MalformedError

ROW = Table(Field("one", Whole(1, 5)), Field("two-two", Flag(), default=True, to="two", help="a flag"))


def test_defaults_are_filled_in_and_keys_renamed() -> None:
    assert ROW.read({"one": 3}, at="") == {"one": 3, "two": True}
    assert Table(Field("one", Whole()), build=lambda one: one + 1).read({"one": 3}, at="") == 4


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        ({}, "at.one", "missing"),
        ({"one": 1, "three": 1}, "at.three", "unknown key"),
        ({"one": 1, "a\nb": 1}, "at.'a\\nb'", "unknown key"),
        ({"one": 1, 5: 1}, "at.'int'", "unknown key"),
        ({"one": 6}, "at.one", "outside 1 to 5"),
        ({"one": True}, "at.one", "got a boolean"),
        ({"one": 1.0}, "at.one", "got a float"),
        ([], "at", "got a list"),
        (None, "at", "got a NoneType"),
    ],
)
def test_a_fault_names_the_key(value: Any, key: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason) as caught:
        ROW.read(value, at="at")
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Text("[a-z]+", what="x", longest=3), "abcd"),
        (Text("[a-z]+", what="x"), "abc\n"),
        (Text("[a-z]+", what="x"), 1),
        (Name(), "a_b"),
        (Digits(), "0" * 63),
        (Shown(5), "\x00"),
        (Number(), float("nan")),
        (Number(), 2**60),
        (Number(), True),
        (Choice("a"), ["a"]),
        (Choice("a"), "b"),
        (List(Flag(), most=1), [True, False]),
        (List(Whole(), most=3), [1, 1]),
        (List(Whole(), most=3), (1,)),
        (Named(Name(), Flag(), lambda name, flag: name, most=1), {"a": True, "b": True}),
        (Named(Name(), Flag(), lambda name, flag: name, most=1), {"A": True}),
        (Named(Name(), Flag(), lambda name, flag: name, most=1), {1: True}),
    ],
)
def test_what_is_not_of_its_kind_is_refused(kind: Kind, value: Any) -> None:
    with pytest.raises(MalformedError):
        kind.read(value, at="x")


def test_the_schema_says_what_the_table_reads() -> None:
    assert ROW.schema() == {
        "type": "object",
        "properties": {
            "one": {"type": "integer", "minimum": 1, "maximum": 5},
            "two-two": {"type": "boolean", "description": "a flag"},
        },
        "required": ["one"],
        "additionalProperties": False,
    }
    named = Named(Name(), List(Digits(), most=2), lambda name, items: (name, items), most=9).schema()
    assert named["maxProperties"] == 9
    assert named["propertyNames"]["maxLength"] == 63
    assert named["additionalProperties"]["items"]["pattern"] == "^(?:[0-9a-f]{64})$"
