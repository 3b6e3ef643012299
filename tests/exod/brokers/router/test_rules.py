"""Who may be linked, of what shape, who may call what, and which patterns there are: pure decisions."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exod.brokers.router import rules
from exod.brokers.router.rules import Claim, Shape
from exod.errors import Refused
from exod.package.services import Method, Service
from exod.plan.confine import Confinement
from exosdk import topics
from tests.exosdk.instances import confinement

SHAPE = Shape("normal", 256, 4096)


def named(plugin: str, *ipc: str, **more: tuple[str, ...]) -> Confinement:
    return replace(confinement(), plugin=plugin, permissions={"ipc": ipc, **more})


@pytest.mark.parametrize(("one", "other"), [("b", "a"), ("*", "a"), ("b", "*"), ("*", "*")])
def test_each_has_to_name_the_other_or_anybody(one: str, other: str) -> None:
    assert rules.refused(named("a", one), named("b", other)) is None


@pytest.mark.parametrize(("one", "other", "lacks"), [("c", "a", "a"), ("b", "c", "b"), ("c", "c", "a")])
def test_the_refusal_says_whose_grant_is_missing(one: str, other: str, lacks: str) -> None:
    refusal = rules.refused(named("a", one), named("b", other))
    assert refusal is not None
    assert refusal.sentence.startswith(f"cannot link a with b: {lacks} was not granted ipc with ")


@pytest.mark.parametrize("which", [0, 1])
def test_machine_code_at_either_end_is_refused(which: int) -> None:
    ends = [named("a", "*"), named("b", "*")]
    ends[which] = replace(ends[which], permissions={"ipc": ("*",), "native": ("true",)})
    assert rules.refused(*ends) is not None


def test_zeros_are_chosen_and_what_is_said_is_taken() -> None:
    assert rules.shape({"priority": "bulk"}, to="b", sending=0) == Shape("bulk", 4096, 1 << 20)
    assert rules.shape({"priority": "bulk"}, to="b", sending=rules.FEW) == Shape("bulk", 256, 64 << 10)
    said = {"priority": "urgent", "slots": 32, "arena": 4096}
    assert rules.shape(said, to="b", sending=99) == Shape("urgent", 32, 4096)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(
    st.sampled_from(["priority", "slots", "arena"]) | st.text(), inner)))  # fmt: skip
def test_any_wish_is_a_shape_that_fits_or_a_refusal(wanted: Any) -> None:
    try:
        found = rules.shape(wanted, to="b", sending=0)
    except Refused:
        return
    assert found.priority in rules.PRIORITIES
    assert 32 <= found.slots <= 1 << 16
    assert 4096 <= found.arena <= 16 << 20


def test_of_a_service_only_what_is_open_to_any_or_to_that_plugin_may_be_called() -> None:
    access = [
        "",
        "any",
        "root",
        "group:users",
        "polkit:a.b",
        "uid:7",
        "plugin:one",
        "plugin:other",
        "plugin:one & root",
    ]
    methods = tuple(Method(f"M{number}", access=one) for number, one in enumerate(access))
    services = (
        Service("s", "org.exoos.S1", access="any", methods=methods),
        Service("t", "o.T1", methods=(Method("A"),)),
    )
    assert rules.calls(services, "one") == ("s.M0", "s.M1", "s.M6")
    assert rules.calls(services, "two") == ("s.M0", "s.M1")


@given(st.text(alphabet="ab*/#_-345A\n", max_size=12))
def test_exod_and_the_sdk_agree_on_what_a_pattern_is(text: str) -> None:
    assert rules.is_pattern(text) == topics.is_pattern(text)


@pytest.mark.parametrize("text", [None, 3, [], b"a/b"])
def test_what_is_no_text_is_no_pattern(text: object) -> None:
    assert not rules.is_pattern(text)


def test_a_publisher_is_told_of_patterns_that_can_select_its_topics() -> None:
    assert rules.about(["pulse/*", "*/cpu", "#5", "other/x", "pulsar/*"], "pulse") == ("pulse/*", "*/cpu", "#5")


def test_claims_are_taken_as_they_are_said_and_too_many_are_cut() -> None:
    row = [7, "b", 2, True, "normal", 256, 4096]
    assert rules.claims([row]) == [Claim(7, "b", 2, True, SHAPE)]
    assert len(rules.claims([row] * 1000)) == rules.LINKS_MAX
    assert rules.claims([[*row[:4], "fast", 256, 4096]]) == []


def test_two_claims_match_when_they_are_the_two_ends_of_one_link() -> None:
    one, other = Claim(7, "b", 2, True, SHAPE), Claim(7, "a", 1, False, SHAPE)
    assert rules.match(one, "a", 1, other, "b", 2)
    assert not rules.match(one, "a", 1, replace(other, sends=True), "b", 2)
    assert not rules.match(one, "a", 3, other, "b", 2)
    assert not rules.match(one, "a", 1, replace(other, shape=replace(SHAPE, slots=512)), "b", 2)
