"""What was asked of a keeper or zygote → its answer, later: a message, and descriptors that are the caller's.

Whoever asked may stop waiting, and the other side may go away: no descriptor stays open, no failure goes unnoticed.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from exod.errors import Refused
from exod.linux.descriptors import close

Message = TypeVar("Message")
Answer = asyncio.Future[tuple[Message, list[int]]]


def settle(answer: Answer[Message] | None, message: Message, fds: list[int]) -> None:
    if answer is None or answer.done():
        close(fds)
    else:
        answer.set_result((message, fds))


def fail(answers: Iterable[Answer[Message]], lost: Callable[[], Refused]) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(lost())
            answer.exception()  # nobody may be waiting for it any more


async def answered(
    answer: Answer[Message], *, seconds: float, late: Callable[[], Refused]
) -> tuple[Message, list[int]]:
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(answer)
    except (TimeoutError, asyncio.CancelledError) as error:
        answer.add_done_callback(_discard)
        if isinstance(error, TimeoutError):
            raise late() from None
        raise


def _discard(answer: Answer[Message]) -> None:
    """Of a caller that no longer waits."""
    if not answer.cancelled() and answer.exception() is None:
        close(answer.result()[1])
