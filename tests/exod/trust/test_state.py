"""Trust state: transitions, and the one form of its bytes."""

import pytest

from exod.errors import Refusal
from exod.trust import state
from exod.trust.state import TrustState

ADA, BOB = "a" * 64, "b" * 64


def test_the_first_pin_makes_an_owner_with_a_mark() -> None:
    found = state.own(TrustState(), "hello", owner=ADA, mark="1.0", now=50)
    assert found == TrustState({"hello": ADA}, {"hello": "1.0"}, 50, 1)


def test_every_owner_keeps_a_mark_of_its_own() -> None:
    found = state.own(TrustState(), "hello", owner=ADA, mark="9.0", now=0)
    found = state.own(found, "hello", owner=BOB, mark="1.0", now=0)
    assert found.mark("hello", owner=BOB) == "1.0"
    assert found.mark("hello", owner=ADA) == "9.0"
    found = state.own(found, "hello", owner=ADA, mark="9.1", now=0)
    assert found.marks == {"hello": "9.1"}
    assert found.mark("hello", owner=BOB) == "1.0"
    assert found.mark("other", owner=BOB) == ""


def test_undoing_a_pin_restores_owner_and_mark_and_may_run_twice() -> None:
    before = state.own(TrustState(), "hello", owner=ADA, mark="9.0", now=0)
    taken = state.own(before, "hello", owner=BOB, mark="1.0", now=0)
    undone = state.own(taken, "hello", owner=ADA, mark="9.0", now=0)
    again = state.own(undone, "hello", owner=ADA, mark="9.0", now=0)
    for found in (undone, again):
        assert (found.owners, found.marks) == (before.owners, before.marks)
        assert found.mark("hello", owner=ADA) == "9.0"


def unpinned(known: TrustState) -> TrustState:
    return state.own(known, "hello", owner="", mark="", now=0)


def test_unpinning_forgets_the_owner_but_not_its_mark() -> None:
    found = unpinned(state.own(TrustState(), "hello", owner=ADA, mark="9.0", now=0))
    assert found.owners == {}
    assert found.mark("hello", owner=ADA) == "9.0"
    assert unpinned(found).mark("hello", owner=ADA) == "9.0"


def test_the_clock_only_advances() -> None:
    assert state.own(TrustState(clock=20), "hello", owner=ADA, mark="1", now=5).clock == 20
    assert state.own(TrustState(clock=20), "hello", owner=ADA, mark="1", now=21).clock == 21


def test_the_newest_list_of_each_signer_is_remembered() -> None:
    found = state.saw_list(TrustState(), ADA, sequence=0)
    assert found.lists == {ADA: 0}
    assert state.saw_list(found, ADA, sequence=0) is found
    assert state.saw_list(found, ADA, sequence=7).lists == {ADA: 7}


def test_every_change_is_a_new_generation() -> None:
    found = state.own(TrustState(generation=4), "hello", owner=ADA, mark="1", now=0)
    assert found.generation == 5
    assert unpinned(found).generation == 6


FULL = TrustState({"hello": ADA}, {"hello": "1.0"}, 7, 9, {f"hello/{BOB}": "2.0"}, {ADA: 3})


def test_what_is_encoded_is_decoded_and_equal_states_are_equal_bytes() -> None:
    assert state.decode(state.encode(FULL)) == FULL
    assert state.decode(state.encode(TrustState())) == TrustState()
    two = TrustState({"b": ADA, "a": BOB}, {"b": "1", "a": "2"})
    assert state.encode(two) == state.encode(TrustState({"a": BOB, "b": ADA}, {"a": "2", "b": "1"}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"generation":9', b'"generation":-1'),
        (b'"generation":9', b'"generation":9,"generation":9'),
        (b'"generation":9', b'"generation": 9'),
        (b'"clock":7', b'"clock":7.0'),
        (b'"hello":"1.0"', b'"hello":"01"'),
        (b'"hello":"1.0"', b'"other":"1.0"'),
        (b'"hello":"aaa', b'"Hello":"aaa'),
        (b'"hello":"aaa', b'"hello":"Aaa'),
        (b"hello/b", b"hello:b"),
        (b"hello/bb", b"hello/Bb"),
        (b"exod-trust-state-1", b"exod-trust-state-2"),
        (b'"owners"', b'"boss"'),
        (b"{", b""),
    ],
)
def test_other_bytes_are_refused_with_the_way_out(old: bytes, new: bytes) -> None:
    data = state.encode(FULL)
    assert old in data
    found = state.decode(data.replace(old, new, 1))
    assert isinstance(found, Refusal)
    assert found.code == "trust-state-corrupt"
    assert found.hint == "exoctl key recover"


def test_a_state_that_went_back_in_time_is_refused() -> None:
    assert state.decode(state.encode(FULL), at_least=9) == FULL
    found = state.decode(state.encode(FULL), at_least=10)
    assert isinstance(found, Refusal)
    assert found.code == "trust-state-old"
