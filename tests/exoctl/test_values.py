import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exoctl.codec import Variant
from exoctl.objects import plain
from exoctl.values import arguments, setting
from exod.errors import Refused

GOOD: list[tuple[str, str, Any]] = [
    ("s", "", ""),
    ("s", "[1]", "[1]"),
    ("o", "/a/b", "/a/b"),
    ("g", "a{sv}", "a{sv}"),
    ("b", "true", True),
    ("b", "false", False),
    ("y", "255", 255),
    ("x", "-0x10", -16),
    ("t", "18446744073709551615", 2**64 - 1),
    ("d", "1e3", 1000.0),
    ("as", '["a", "b"]', ["a", "b"]),
    ("ay", "[1, 2]", b"\1\2"),
    ("a{us}", '{"7": "x"}', {7: "x"}),
    ("a(sb)", '[["x", true]]', [["x", True]]),
    ("v", "word", "word"),
    ("v", "7", 7),
    ("v", "2.5", 2.5),
    ("v", "true", True),
    ("v", '{"a": [1, "b"]}', {"a": [1, "b"]}),
    ("av", '[1, {"b": 2}]', [1, {"b": 2}]),
]
BAD = [
    ("b", "yes"),
    ("y", "256"),
    ("u", "-1"),
    ("i", "one"),
    ("d", "often"),
    ("o", "no path"),
    ("s", "a\0b"),
    ("h", "0"),
    ("ah", "[0]"),
    ("as", '{"a": 1}'),
    ("as", "[1]"),
    ("ai", "[true]"),
    ("ab", "[1]"),
    ("ay", "[256]"),
    ("ay", "[true]"),
    ("a{sv}", "[]"),
    ("a{us}", '{"x": "y"}'),
    ("(ss)", '["x"]'),
    ("as", '["a\\u0000b"]'),
    ("ad", "[Infinity]"),
    ("v", "null"),
    ("v", "NaN"),
    ("as", "[" * 100_000),
    ("s", "\ud800"),
]


@pytest.mark.parametrize(("signature", "word", "value"), GOOD)
def test_a_word_becomes_the_value_it_says(signature: str, word: str, value: Any) -> None:
    (found,) = arguments(signature, [word], subject="it")
    assert plain(found) == value
    assert type(plain(found)) is type(value)


@pytest.mark.parametrize(("signature", "word"), BAD)
def test_a_word_that_does_not_fit_is_refused_by_position(signature: str, word: str) -> None:
    with pytest.raises(Refused) as caught:
        arguments(signature, [word], subject="it")
    assert caught.value.refusal.sentence.startswith("cannot call it: argument 1 is no")
    assert caught.value.refusal.outcome.exit_code == 2


def test_as_many_words_as_types_are_wanted() -> None:
    with pytest.raises(Refused, match=r"takes 2 arguments of types s a\{sv\}, not 1$"):
        arguments("sa{sv}", ["x"], subject="it")
    with pytest.raises(Refused, match=r"takes 1 argument of type s, not 0$"):
        arguments("s", [], subject="it")
    with pytest.raises(Refused, match=r"takes 0 arguments, not 1$"):
        arguments("", ["x"], subject="it")


def test_a_setting_is_read_like_the_one_in_force() -> None:
    assert setting("k", "1", like=Variant("s", "x"), plugin="hello").value == "1"
    assert setting("k", "1", like=Variant("d", 2.0), plugin="hello").signature == "d"
    assert setting("k", "1", like=None, plugin="hello").signature == "x"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("d", "a number"), ("x", "a whole number"), ("b", "true or false"), ("as", "a list in JSON"), ("s", "text")],
)
def test_a_setting_that_does_not_fit_is_refused_in_words(kind: str, said: str) -> None:
    like = Variant(kind, {"d": 1.0, "x": 1, "b": True, "as": [], "s": ""}[kind])
    with pytest.raises(Refused) as caught:
        setting("interval", "abc\0", like=like, plugin="hostpulse")
    assert caught.value.refusal.sentence == f"cannot configure hostpulse: interval is {said}, not abc\0"


@given(st.sampled_from(["s", "i", "d", "as", "a{sv}", "v", "(sb)", "ay"]), st.text())
def test_whatever_the_word_only_refusals_come_out(signature: str, word: str) -> None:
    with contextlib.suppress(Refused):
        arguments(signature, [word], subject="it")
