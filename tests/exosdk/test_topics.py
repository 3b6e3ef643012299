"""Which pattern selects which topic."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exosdk.message import TOPIC_MAX
from exosdk.signature import MalformedError
from exosdk.topics import check_pattern, check_topic, matches


@pytest.mark.parametrize(
    ("pattern", "topic", "selects"),
    [
        ("hostpulse/cpu", "hostpulse/cpu", True),
        ("hostpulse/cpu", "hostpulse/cpu/0", False),
        ("hostpulse/cpu", "hostpulse", False),
        ("hostpulse/*", "hostpulse/cpu", True),
        ("hostpulse/*", "hostpulse/cpu/0", True),
        ("hostpulse/*", "hostpulse", False),
        ("hostpulse/*/load", "hostpulse/cpu/load", True),
        ("hostpulse/*/load", "hostpulse/cpu/0/load", False),
        ("*/temperature", "hostpulse/temperature", True),
        ("*/temperature", "hostpulse/cpu/temperature", False),
        ("*", "hostpulse/cpu/0", True),
        ("hostpulse", "hostpulse2/cpu", False),
        ("#5", "hostpulse/cpu", True),
        ("#7", "hostpulse/cpu", False),
    ],
)
def test_a_star_is_a_word_and_at_the_end_all_that_follow(pattern: str, topic: str, selects: bool) -> None:
    check_pattern(pattern)
    assert matches((pattern,), topic, type_=5) is selects


def test_one_of_several_patterns_is_enough_and_none_selects_nothing() -> None:
    assert matches(("x/y", "a/*"), "a/b", type_=5)
    assert not matches((), "a/b", type_=5)


@pytest.mark.parametrize("topic", ["", "/", "a/", "/a", "a//b", "A", "a b", "*", "a/*", "#5", "-a", "ä", "a\n", "../a"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(MalformedError, match="is no topic"):
        check_topic(topic)


@pytest.mark.parametrize("pattern", ["", "a/", "a//b", "**", "a*", "#2", "#8", "#", "#33", "#5/a", "A/*", "a/*\n"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(MalformedError, match="is no pattern"):
        check_pattern(pattern)


def test_neither_is_longer_than_its_length_can_say() -> None:
    check_topic("a" * TOPIC_MAX)
    check_pattern("a" * TOPIC_MAX)
    for check in (check_topic, check_pattern):
        with pytest.raises(MalformedError):
            check("a" * (TOPIC_MAX + 1))


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=5))
def test_a_topic_is_its_own_pattern_and_any_word_of_it_may_be_a_star(words: list[str]) -> None:
    topic = "/".join(words)
    for at in range(len(words)):
        assert matches(("/".join([*words[:at], "*", *words[at + 1 :]]),), topic, type_=3)
    assert matches((topic,), topic, type_=3)
