"""Tasks end with their owner; one that fails is told, and touches no other."""

import asyncio

from exod.supervisor.tasks import Tasks


async def test_a_failure_is_handed_on_and_the_others_go_on() -> None:
    failures: list[BaseException] = []
    done = asyncio.Event()
    tasks = Tasks(failed=failures.append)

    async def fail() -> None:
        raise ValueError("broken")

    async def work() -> None:
        done.set()

    tasks.spawn(fail(), name="fail")
    tasks.spawn(work(), name="work")
    await done.wait()
    await tasks.close()
    assert [str(error) for error in failures] == ["broken"]


async def test_closing_ends_what_runs_and_closing_twice_is_fine() -> None:
    tasks = Tasks(failed=lambda error: None)
    ended = asyncio.Event()
    began = asyncio.Event()

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks.spawn(wait(), name="wait")
    await began.wait()
    await tasks.close()
    await tasks.close()
    assert ended.is_set()


async def test_nothing_begins_after_the_end() -> None:
    tasks = Tasks(failed=lambda error: None)
    await tasks.close()
    began = []

    async def late() -> None:
        began.append(1)

    tasks.spawn(late(), name="late")
    await asyncio.sleep(0)
    assert began == []
