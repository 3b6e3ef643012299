"""What strangers supply is checked before it meets the marshaller, and then the marshaller takes it."""

from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exod.dbus import guard
from exod.dbus.codec import RETURN, Outgoing, Variant
from exod.dbus.guard import DEPTH_MAX, SIZE_MAX, Unfit


class Colour(IntEnum):
    RED = 2


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value, 1]
    return value


@pytest.mark.parametrize(
    ("signature", "value", "on_the_wire"),
    [
        ("b", True, True),
        ("y", 255, 255),
        ("n", -32768, -32768),
        ("t", (1 << 64) - 1, (1 << 64) - 1),
        ("u", Colour.RED, 2),
        ("d", 3, 3.0),
        ("s", "é", "é"),
        ("o", "/a/b_1", "/a/b_1"),
        ("g", "a{sv}", "a{sv}"),
        ("ay", b"\0\1", b"\0\1"),
        ("ay", [1, 2], b"\1\2"),
        ("as", ("a", "b"), ["a", "b"]),
        ("(si)", ("a", 1), ["a", 1]),
        ("a{su}", OrderedDict(a=1), {"a": 1}),
        ("v", 1, Variant("x", 1)),
        ("v", 1 << 63, Variant("t", 1 << 63)),
        ("v", True, Variant("b", True)),
        ("v", 0.5, Variant("d", 0.5)),
        ("v", b"x", Variant("ay", b"x")),
        ("v", ["a"], Variant("as", ["a"])),
        ("v", [1], Variant("av", [Variant("x", 1)])),
        ("v", {"a": "b"}, Variant("a{ss}", {"a": "b"})),
        ("v", {"a": 1}, Variant("a{sv}", {"a": Variant("x", 1)})),
        ("v", {}, Variant("a{sv}", {})),
    ],
)
def test_fit_values_become_what_the_marshaller_takes(signature: str, value: Any, on_the_wire: Any) -> None:
    assert guard.encode(signature, [value]) == [on_the_wire]
    Outgoing(RETURN, reply_to=1, signature=signature, body=[on_the_wire]).pack(1)


@pytest.mark.parametrize(
    ("signature", "value", "why"),
    [
        ("s", "a\0b", "NUL"),
        ("s", "\ud800", "UTF-8"),
        ("s", 5, "not a string"),
        ("s", None, "not a string"),
        ("o", "/a/", "object path"),
        ("o", "a", "object path"),
        ("o", "//", "object path"),
        ("o", "/ä", "object path"),
        ("g", "a", "signature"),
        ("g", "{sv}", "signature"),
        ("g", "a{vs}", "signature"),
        ("g", "()", "signature"),
        ("g", "x" * 256, "signature"),
        ("i", True, "integer"),
        ("i", 1.0, "integer"),
        ("i", 1 << 31, "range"),
        ("u", -1, "range"),
        ("y", 256, "range"),
        ("b", 1, "boolean"),
        ("d", True, "number"),
        ("d", 10**400, "range"),
        ("as", "ab", "array"),
        ("ay", [256], "range"),
        ("(si)", ("a",), "fields"),
        ("(si)", "ab", "fields"),
        ("a{ss}", [("a", "b")], "dictionary"),
        ("a{ss}", {"a": 1}, "not a string"),
        ("h", 0, "descriptor"),
        ("v", object(), "object"),
        ("v", None, "NoneType"),
        ("v", deep(DEPTH_MAX), "deep"),
        ("as", ["x" * 1000] * 300, "large"),
        ("ay", bytes(SIZE_MAX), "large"),
        ("s", "é" * (SIZE_MAX // 2), "large"),
        ("av", [1] * 40_000, "large"),
    ],
)
def test_unfit_values_are_refused_by_kind(signature: str, value: Any, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        guard.encode(signature, [value])


def test_the_number_of_values_counts() -> None:
    for values in ((), (1, 2)):
        with pytest.raises(Unfit, match="values instead of 1"):
            guard.encode("i", values)


def test_the_daemon_may_say_more_than_a_plugin_and_quotes_strangers_cleaned() -> None:
    assert guard.encode("ay", [bytes(SIZE_MAX)], own=True)
    assert guard.encode("sa{ss}", ["a\0", {"k": "\ud800"}], own=True) == ["a\ufffd", {"k": "?"}]
    with pytest.raises(Unfit):
        guard.encode("o", ["/a\0"], own=True)


@pytest.mark.parametrize("text", ["", "s", "a{sv}", "(i(sas))aay", "h", "a" * 8 + "i"])
def test_signatures_that_a_value_may_be(text: str) -> None:
    assert guard.is_signature(text)


@pytest.mark.parametrize("text", ["a", "{ss}", "a{(i)s}", "a{vs}", "a{sss}", "()", "(", "z"])
def test_signatures_that_a_value_may_not_be(text: str) -> None:
    assert not guard.is_signature(text)


def test_what_clients_send_is_opened_and_checked() -> None:
    assert guard.decode([Variant("a{sv}", {"a": Variant("ai", [1])}), b"x"], size=10) == [{"a": [1]}, b"x"]
    unfit: list[Any] = ["a\0", Variant("h", 0), {"a": "\0"}]
    nested: Any = "x"
    for _ in range(DEPTH_MAX + 1):
        nested = Variant("v", nested) if isinstance(nested, Variant) else Variant("s", nested)
    for value in [*unfit, nested]:
        with pytest.raises(Unfit):
            guard.decode([value], size=10)
    with pytest.raises(Unfit, match="more than"):
        guard.decode([], size=SIZE_MAX + 1)


def test_sentences_of_errors_always_arrive() -> None:
    text = guard.clean("a\0b\ud800" + "x" * 5000)
    assert guard.encode("s", [text])
    assert len(text) == 4096


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just("\ud800\0"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(
    signature=st.sampled_from(["v", "s", "a{sv}", "av", "(sv)", "as", "i", "o", "g", "ay", "d", "a{su}"]),
    value=ANYTHING,
)
def test_whatever_passes_the_guard_the_marshaller_takes(signature: str, value: Any) -> None:
    try:
        body = guard.encode(signature, [value])
    except Unfit:
        return
    Outgoing(RETURN, reply_to=1, signature=signature, body=body).pack(1)
