"""The table of states: US-004's numbers, and every move that is there or is not."""

import itertools

import pytest

from exod.errors import Refusal
from exod.supervisor.lifecycle import State, check, is_legal

U, L, D, R, S, E, X = State  # unloaded, loading, loaded, running, suspended, error, unloading

LEGAL = {
    (U, L),
    (L, D),
    (D, R),
    (R, D),
    (R, S),
    (S, R),
    (D, X),
    (R, X),
    (S, X),
    (X, U),
    (L, E),
    (D, E),
    (R, E),
    (S, E),
    (X, E),
    (E, L),
    (E, X),
}


def test_the_numbers_are_those_of_us_004_for_ever() -> None:
    assert {state.word: int(state) for state in State} == {
        "unloaded": 0,
        "loading": 1,
        "loaded": 2,
        "running": 3,
        "suspended": 4,
        "error": 5,
        "unloading": 6,
    }


@pytest.mark.parametrize(("old", "new"), list(itertools.product(State, State)), ids=lambda state: state.word)
def test_a_move_is_legal_exactly_when_the_architecture_names_it(old: State, new: State) -> None:
    assert is_legal(old, new) is ((old, new) in LEGAL)


VERBS = {
    "load": {U, E},
    "unload": {D, R, S, E},
    "start": {D},
    "stop": {R},
    "suspend": {R},
    "resume": {S},
    "restore": {U, E},
    "restart": {E},
}


@pytest.mark.parametrize(("verb", "state"), list(itertools.product(VERBS, State)))
def test_a_verb_is_refused_in_every_state_that_it_does_not_begin_in(verb: str, state: State) -> None:
    refusal = check(verb, "hello", state=state)
    if state in VERBS[verb]:
        assert refusal is None
        return
    assert isinstance(refusal, Refusal)
    assert refusal.sentence.startswith(f"cannot {verb} hello: it is {state.word}, not ")


@pytest.mark.parametrize("verb", ["install", "remove", "enable", "disable", "configure"])
@pytest.mark.parametrize("state", State)
def test_other_verbs_may_be_asked_in_any_state(verb: str, state: State) -> None:
    assert check(verb, "hello", state=state) is None


def test_a_plugin_is_alive_in_the_states_in_which_it_can_rest_with_a_process() -> None:
    assert {state for state in State if state.alive} == {D, R, S}
