"""The states of a plugin and the moves between them, with US-004's numbers. What the table does not name is illegal."""

from enum import IntEnum

from exod.errors import Outcome, Refusal


class State(IntEnum):
    """The number is the one on every wire."""

    UNLOADED = 0
    LOADING = 1
    LOADED = 2
    RUNNING = 3
    SUSPENDED = 4
    ERROR = 5
    UNLOADING = 6

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def alive(self) -> bool:
        """Whether there is an instance that was let go: the states in which a plugin can rest with a process."""
        return self in _ALIVE


_ALIVE = (State.LOADED, State.RUNNING, State.SUSPENDED)

TRANSITIONS: frozenset[tuple[State, State]] = frozenset(
    [
        (State.UNLOADED, State.LOADING),
        (State.LOADING, State.LOADED),
        (State.LOADED, State.RUNNING),
        (State.RUNNING, State.LOADED),
        (State.RUNNING, State.SUSPENDED),
        (State.SUSPENDED, State.RUNNING),
        (State.UNLOADING, State.UNLOADED),
        (State.ERROR, State.LOADING),
        (State.ERROR, State.UNLOADING),
        *((state, State.UNLOADING) for state in _ALIVE),
        *((state, State.ERROR) for state in (*_ALIVE, State.LOADING, State.UNLOADING)),
    ]
)

_FROM: dict[str, tuple[State, ...]] = {
    "load": (State.UNLOADED, State.ERROR),
    "unload": (*_ALIVE, State.ERROR),
    "start": (State.LOADED,),
    "stop": (State.RUNNING,),
    "suspend": (State.RUNNING,),
    "resume": (State.SUSPENDED,),
    "restore": (State.UNLOADED, State.ERROR),
    "restart": (State.ERROR,),
}
"""Verb → the states it may be asked in; verbs that are not named may be asked in any."""


def resting(word: str) -> State | None:
    """The state in which a plugin rests with a process, by its word; None where `word` is none of them."""
    return next((state for state in _ALIVE if state.word == word), None)


def is_legal(old: State, new: State) -> bool:
    return (old, new) in TRANSITIONS


def check(verb: str, plugin: str, *, state: State) -> Refusal | None:
    """Why `verb` cannot be asked of `plugin` in `state`; None if it can."""
    allowed = _FROM.get(verb)
    if allowed is None or state in allowed:
        return None
    needs = " or ".join(one.word for one in allowed)
    return Refusal(
        "wrong-state",
        f"cannot {verb} {plugin}: it is {state.word}, not {needs}",
        f"exoctl plugin info {plugin}",
        {"state": state.word, "needs": needs},
        Outcome.FAILED,
    )
