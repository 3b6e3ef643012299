import asyncio
import threading
import time
from concurrent.futures import Future

import pytest

from exod.state.writer import Writer


async def test_work_runs_in_one_thread_in_the_order_it_was_submitted(writer: Writer) -> None:
    seen: list[tuple[int, str]] = []

    def work(number: int) -> None:
        seen.append((number, threading.current_thread().name))

    await asyncio.gather(*(writer.submit(lambda n=n: work(n)) for n in range(50)))
    assert seen == [(n, "exod-writer") for n in range(50)]


async def test_the_result_comes_back(writer: Writer) -> None:
    assert await writer.submit(lambda: 7) == 7


async def test_what_the_work_raises_reaches_the_one_who_waits(writer: Writer) -> None:
    with pytest.raises(ZeroDivisionError):
        await writer.submit(lambda: 1 // 0)
    assert await writer.submit(lambda: "still alive") == "still alive"


async def test_a_cancelled_waiter_does_not_stop_its_work(writer: Writer) -> None:
    gate: Future[None] = Future()
    done: list[str] = []
    first = asyncio.create_task(writer.submit(gate.result))
    second = asyncio.create_task(writer.submit(lambda: done.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set_result(None)
    await first
    await writer.submit(lambda: done.append("third"))
    assert done == ["second", "third"]


async def test_beyond_the_limit_submitters_wait_in_order() -> None:
    writer = Writer(limit=1)
    gate: Future[None] = Future()
    seen: list[int] = []
    blocked = asyncio.create_task(writer.submit(gate.result))
    waiting = [asyncio.create_task(writer.submit(lambda n=n: seen.append(n))) for n in range(5)]
    await asyncio.sleep(0)
    assert writer._items.qsize() <= 1
    gate.set_result(None)
    await asyncio.gather(blocked, *waiting)
    assert seen == [0, 1, 2, 3, 4]
    await writer.close()


async def test_posted_work_runs_in_the_same_order(writer: Writer) -> None:
    seen: list[str] = []
    writer.post(lambda: seen.append("posted"))
    await writer.submit(lambda: seen.append("submitted"))
    assert seen == ["posted", "submitted"]


async def test_close_finishes_what_is_queued_and_may_be_called_twice() -> None:
    writer = Writer()
    seen: list[int] = []
    for n in range(100):
        writer.post(lambda n=n: seen.append(n))
    await writer.close()
    await writer.close()
    assert seen == list(range(100))
    assert not writer._thread.is_alive()


async def test_nothing_is_taken_after_the_close() -> None:
    writer = Writer()
    await writer.close()
    writer.post(lambda: pytest.fail("it ran"))
    assert writer._items.empty()
    with pytest.raises(RuntimeError, match="internal error"):
        await writer.submit(lambda: None)


def test_a_loop_that_closes_first_does_not_break_the_thread() -> None:
    gate: Future[None] = Future()

    async def leave() -> Writer:
        writer = Writer()
        waiting = asyncio.create_task(writer.submit(gate.result))
        await asyncio.sleep(0)
        waiting.cancel()
        return writer

    writer = asyncio.run(leave())
    gate.set_result(None)
    asyncio.run(writer.close())
    assert not writer._thread.is_alive()


async def test_the_loop_turns_while_the_thread_is_blocked(writer: Writer) -> None:
    gate: Future[None] = Future()
    blocked = asyncio.create_task(writer.submit(gate.result))
    started = time.monotonic()
    await asyncio.sleep(0)
    assert not blocked.done()
    assert time.monotonic() - started < 1
    gate.set_result(None)
    await blocked
