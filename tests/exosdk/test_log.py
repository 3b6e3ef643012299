"""Lines on the log pipe."""

import os
from collections.abc import Iterator

import pytest

from exosdk.log import Log, Seldom


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_line_has_its_priority_in_front(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    log.debug("a")
    log.info("%s of %d", "b", 2)
    log.warning("100%")
    log.error("d")
    assert os.read(pipe[0], 100) == b"<7>a\n<6>b of 2\n<4>100%\n<3>d\n"


def test_a_message_is_one_line_of_limited_length(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    log.info("a\nb\r\tc \ud800")
    assert os.read(pipe[0], 100) == b"<6>a b c \\ud800\n"
    log.info("x" * 10_000)
    assert len(os.read(pipe[0], 20_000)) == 4096


def test_a_full_pipe_loses_lines_and_says_how_many(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    for _ in range(20):
        log.info("x" * 4090)
    os.read(pipe[0], 1 << 20)
    log.info("again")
    assert os.read(pipe[0], 100) == b"<6>again (after 4 lost lines)\n"


def test_a_pipe_that_nobody_will_read_again_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    Log(writing).info("x")
    os.close(writing)


def test_the_same_words_are_said_once_a_second_and_others_at_once() -> None:
    now, said = [7.0], list[str]()
    seldom = Seldom(said.append, monotonic=lambda: now[0])
    for text in ("full", "full", "gone", "full"):
        seldom(text)
    assert said == ["full", "gone"]
    now[0] = 8.0
    seldom("full")
    assert said[2:] == ["full"]


def test_what_was_said_is_not_remembered_for_ever() -> None:
    seldom = Seldom(lambda _: None, monotonic=lambda: 7.0)
    for number in range(1000):
        seldom(str(number))
    assert len(seldom._until) <= 64
