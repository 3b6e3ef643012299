"""A job's bytes → what the worker says of them. Starts the worker when there is a job and ends it with itself.

Never waits for it on the loop, believes nothing of it, outlives whatever it does: no answer is an answer too.
"""

import asyncio
import os

from exod.brokers.lint.job import END, OUTPUT_MAX, WALL_SECONDS
from exod.brokers.workers import Worker, collect
from exod.linux.descriptors import opened

PATIENCE = WALL_SECONDS + 5.0
"""Seconds; the kernel ends a reader before."""
LAST = b"\n" + END.encode() + b"\n"
AT_ONCE = 4
"""Packages that are read beside each other: what each may take of memory, the host has to have so often."""
_START = "import sys; sys.path.append(sys.argv[1]); from exod.brokers.lint.worker import main; main(int(sys.argv[2]))"


class Reader:
    """One worker at a time, started anew when it has left. `uid` is its own, and nobody else's."""

    def __init__(self, *, uid: int) -> None:
        self._worker = Worker(lambda: _START, str(uid))
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def read(self, job: bytes) -> str:
        """Its answer, which may not be whole. Raises OSError of this host."""
        answer = b""
        async with self._slots:
            for _ in range(2):  # it may have left, idle, with the job in its hands, or been ended for another one
                answer = await self._ask(job)
                if answer.endswith(LAST):
                    break
                if not answer:  # nobody took the job: another worker then
                    await self.close()
        return answer.decode("ascii", "replace")

    async def close(self) -> None:
        """Twice is fine."""
        await self._worker.close()

    async def _ask(self, job: bytes) -> bytes:
        memory = await asyncio.to_thread(_memory, job)
        source, sink = os.pipe()
        try:
            with opened(memory), opened(sink):
                await self._worker.send(b"j", [memory, sink])
            async with asyncio.timeout(PATIENCE):
                return await collect(source, most=OUTPUT_MAX, last=LAST)
        except TimeoutError:
            self._worker.end()
            return b""
        finally:
            os.close(source)


def _memory(job: bytes) -> int:
    descriptor = os.memfd_create("lint", os.MFD_CLOEXEC)
    try:
        view = memoryview(job)
        while view:
            view = view[os.write(descriptor, view) :]
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
