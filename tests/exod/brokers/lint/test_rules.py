"""Each rule finds its bad examples, where they are, and leaves its good ones alone."""

import pytest

from exod.brokers.lint.rules import BY_ID, RULES, Severity
from tests.exod.brokers.lint.examples import EXAMPLES, found, rules

BAD = [(rule, text) for rule, example in EXAMPLES.items() for text in example.bad]
GOOD = [(rule, text) for rule, example in EXAMPLES.items() for text in example.good]


def test_every_rule_has_examples_of_both_kinds() -> None:
    assert set(EXAMPLES) == set(BY_ID)
    assert all(example.bad and example.good for example in EXAMPLES.values())


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_what_it_is_for_is_found_at_its_line(rule: str, text: str) -> None:
    lines = [one.line for one in found(text) if one.rule == rule]
    assert lines, rule
    assert lines[-1] == 1 or lines[-1] >= text.count("\n")


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_what_is_like_it_and_fine_is_not_found(rule: str, text: str) -> None:
    assert rule not in rules(text, EXAMPLES[rule].asked)


def test_every_rule_says_what_why_and_what_to_do_instead() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) >= 15
    for rule in RULES:
        assert all(len(text.split()) >= 2 for text in (rule.finds, rule.why, rule.instead)), rule.id


def test_what_the_sandbox_merely_denies_refuses_no_load() -> None:
    """Honest code that would not work is its author's business; what hides, leaks or tampers is everybody's."""
    refusing = {rule.id for rule in RULES if rule.severity is Severity.ERROR}
    assert refusing == {
        *("unreadable", "private-key", "computed-code", "stored-code"),
        *("daemon-internals", "sdk-tampering", "tracing"),
    }
