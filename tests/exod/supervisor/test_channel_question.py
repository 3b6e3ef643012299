"""A question's deadline, which can stand still."""

import pytest

from exod.errors import Refused
from exod.supervisor.channel_go import lost
from exod.supervisor.channel_question import Question
from exosdk import wire
from tests.exosdk.instances import until


def question(late: list[Question], *, deadline: float = 30.0) -> Question:
    return Question(1, "call it", b"", uid=0, deadline=deadline, on_late=late.append)


async def test_a_deadline_that_passes_is_told_once() -> None:
    late: list[Question] = []
    asked = question(late, deadline=0.0)
    await until(lambda: late)
    asked.arm()
    assert (late, asked.overdue) == ([asked], True)


async def test_a_deadline_that_stands_still_goes_on_with_what_was_left() -> None:
    asked = question([])
    asked.disarm()
    asked.disarm()
    assert asked._timer is None
    assert 29 < asked._left <= 30
    asked.arm()
    assert asked._timer is not None
    asked.disarm()


async def test_only_the_first_answer_counts() -> None:
    asked = question([])
    first = wire.Reply(1, wire.pack("x"))
    asked.settle(first)
    asked.settle(wire.Fault(1, "E", ""))
    asked.refuse(lost("call it", reason="gone"))
    assert await asked.answer is first
    assert asked._timer is None


async def test_a_refusal_is_raised_where_the_answer_is_awaited() -> None:
    asked = question([])
    asked.refuse(lost("call it", reason="gone"))
    with pytest.raises(Refused) as caught:
        await asked.answer
    assert caught.value.refusal.evidence == {"reason": "gone"}
