"""Answers that come late or never: nothing stays open, whoever waits is told."""

import asyncio
import os

import pytest

from exod.errors import Refusal, Refused
from exod.sandbox.answers import Answer, answered, fail, settle


def lost() -> Refused:
    return Refused(Refusal("lost", "cannot ask: it is gone"))


def asked() -> Answer[str]:
    return asyncio.get_running_loop().create_future()


def opened() -> int:
    return os.open(os.devnull, os.O_RDONLY)


def is_open(descriptor: int) -> bool:
    return os.path.exists(f"/proc/self/fd/{descriptor}")


async def test_an_answer_brings_its_descriptors() -> None:
    answer, file = asked(), opened()
    settle(answer, "yes", [file])
    assert await answered(answer, seconds=1, late=lost) == ("yes", [file])
    os.close(file)


async def test_descriptors_that_nobody_asked_for_are_closed() -> None:
    file = opened()
    settle(None, "yes", [file])
    assert not is_open(file)


async def test_who_waits_too_long_is_told_and_what_comes_later_is_closed() -> None:
    answer, file = asked(), opened()
    with pytest.raises(Refused, match="gone"):
        await answered(answer, seconds=0, late=lost)
    settle(answer, "yes", [file])
    await asyncio.sleep(0)
    assert not is_open(file)


async def test_what_comes_in_the_turn_in_which_the_caller_gives_up_is_closed() -> None:
    answer, file = asked(), opened()
    waiting = asyncio.ensure_future(answered(answer, seconds=1, late=lost))
    await asyncio.sleep(0)
    settle(answer, "yes", [file])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert not is_open(file)


async def test_a_second_answer_is_closed_and_a_loss_after_it_changes_nothing() -> None:
    answer, file = asked(), opened()
    settle(answer, "yes", [])
    settle(answer, "no", [file])
    fail([answer], lost)
    assert await answered(answer, seconds=1, late=lost) == ("yes", [])
    assert not is_open(file)


async def test_a_loss_is_told_to_whoever_waits_and_warns_nobody() -> None:
    heard, unheard = asked(), asked()
    fail([heard, unheard], lost)
    with pytest.raises(Refused, match="gone"):
        await answered(heard, seconds=1, late=lost)
