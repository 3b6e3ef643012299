"""Before the first fork, and after each: the two functions that a zygote calls."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from exosdk import runner, wire
from tests.exosdk.instances import NONCE, pair


class Left(BaseException):
    """Takes the place of the process's end."""


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    statuses: list[int] = []
    posts: list[runner.Post] = []

    class Kept(runner.Post):
        """The end of a process closes its socket; a test has to."""

        def __init__(self, fd: int) -> None:
            super().__init__(fd)
            posts.append(self)

    def leave(status: int) -> None:
        statuses.append(status)
        raise Left

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(runner, "Post", Kept)
    yield statuses
    for post in posts:
        post.close()


def test_main_says_hello_with_its_walls_and_never_returns(leaving: list[int]) -> None:
    end, theirs = pair()
    end.send(wire.encode(wire.Bye()))
    with pytest.raises(Left):
        runner.main(theirs.detach(), 7, NONCE, {"Seccomp": "2"})
    hello = wire.decode_up(end.recv(wire.MAX_FRAME))
    end.close()
    assert isinstance(hello, wire.Hello)
    assert (hello.instance, hello.nonce, hello.walls["Seccomp"]) == (7, NONCE, "2")
    assert leaving == [0]


def test_main_ends_with_status_1_when_the_supervisor_breaks_the_rules(leaving: list[int], capsys: Any) -> None:
    end, theirs = pair()
    end.send(b"\x91" * 40)
    with pytest.raises(Left):
        runner.main(theirs.detach(), 7, NONCE, {})
    end.close()
    assert leaving == [1]
    assert "MalformedError" in capsys.readouterr().err


def test_warming_rehearses_with_the_manager_and_the_path_of_the_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, str]] = []
    monkeypatch.setattr(runner, "rehearse", lambda manager, *, code: asked.append((manager, code)))
    runner.warm()
    assert asked == [(runner._MANAGER, "/plugin/code")]


def test_output_that_cannot_be_flushed_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    runner._flush_output()
