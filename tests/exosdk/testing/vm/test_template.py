"""A cold start ends when systemd says so, when it names what it waits for, or when the guest fell silent twice."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from exosdk.testing.vm import template


class Guest:
    """Answers each command as it is told: its words, or nothing in time."""

    def __init__(self, *answers: str | None) -> None:
        self.answers: Iterator[str | None] = iter(answers)
        self.asked: list[str] = []

    def start(self, argv: Sequence[str]) -> Any:
        self.asked.append(argv[1])
        return SimpleNamespace(wait=self._wait)

    def _wait(self, *, timeout: float, check: bool) -> Any:
        answer = next(self.answers)
        if answer is None:
            raise TimeoutError
        return SimpleNamespace(out=answer)


def settle(guest: Guest, within: float = 400) -> None:
    template.settle(guest, within=within, asked=1)  # type: ignore[arg-type]


def test_a_guest_that_did_not_tell_that_it_was_ready_is_asked_anew() -> None:
    guest = Guest(None, "No jobs running.", "running")
    settle(guest)
    assert guest.asked == ["is-system-running", "list-jobs", "is-system-running"]


def test_what_never_comes_to_an_end_is_named() -> None:
    with pytest.raises(TimeoutError, match=r"slow\.service"):
        settle(Guest(None, "1 slow.service start running"), within=0)


def test_a_guest_that_falls_silent_is_started_once_more_and_not_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(template.Silent):
        settle(Guest(None, None))
    starts: list[object] = []

    def silent(*arguments: object) -> Any:
        starts.append(arguments)
        raise template.Silent

    monkeypatch.setattr(template, "_boot", silent)
    with pytest.raises(template.Silent):
        template.boot(None, None, hear=lambda words: None)  # type: ignore[arg-type]
    assert len(starts) == 2
