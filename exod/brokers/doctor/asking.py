"""The daemon's side: questions → what the doctor's process says, which runs for as long as one takes.

Nothing of it runs here: a look may need what only a fresh process can do, and may hang with a broken host.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from exod.errors import Outcome, Refusal, Refused
from exod.layout import Layout
from exod.linux import pidfd

_SECONDS = 150.0
_CODE = "import sys; sys.path[:] = sys.argv.pop(1).split(':'); from exod.examining import main; sys.exit(main())"


class Doctor:
    """`note` is told what is lacking, by name and cost; "" takes it back."""

    def __init__(self, layout: Layout, *, note: Callable[[str, str], None]) -> None:
        self._directory = layout.run.parent if layout.development else None
        self._note = note
        self._one = asyncio.Lock()

    async def examine(self) -> Sequence[Mapping[str, str]]:
        """Every finding, as the bus shows it. Raises Refused. One at a time: who asks again waits."""
        return [_plain(row) for row in await self._ask("examine")]

    def begin(self) -> asyncio.Task[None]:
        """Notes what is lacking of the walls, beside whatever else begins. Development, which begins often, waits until
        somebody asks."""
        return asyncio.create_task(self.protections())

    async def protections(self) -> None:
        """When nothing can be found out, that is lacking."""
        if self._directory is not None:
            return
        try:
            await self._ask("protections")
        except Refused as refused:
            self._note("doctor", refused.refusal.sentence)

    async def _ask(self, question: str) -> list[dict[str, Any]]:
        async with self._one:
            rows = await _run(command(self._directory, question))
        for row in rows:
            if row["protection"]:
                self._note(row["id"], f"{row['cost']} ({row['what']})" if row["cost"] else "")
        return rows


def command(directory: Path | None, *words: str) -> list[str]:
    """This interpreter, isolated, with the same code before its eyes."""
    path = ":".join(place for place in sys.path if place)
    flags = "-IS" if sys.flags.no_site else "-I"
    return [sys.executable, flags, "-c", _CODE, path, str(directory or ""), *words]


def _start(words: list[str]) -> tuple[int, int]:
    """Its pid, and what it says on stdout."""
    answer, its = os.pipe2(os.O_CLOEXEC)
    streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, its, 1)]
    try:
        return os.posix_spawn(words[0], words, {}, file_actions=streams, setsigmask=()), answer
    finally:
        os.close(its)


async def _run(words: list[str]) -> list[dict[str, Any]]:
    pid, answer = _start(words)
    try:
        async with asyncio.timeout(_SECONDS):
            return _rows(await _read(answer))
    except TimeoutError:
        raise Refused(_refusal("it did not answer in time")) from None
    finally:
        pidfd.kill(pid)
        await asyncio.shield(asyncio.to_thread(os.waitpid, pid, 0))


async def _read(answer: int) -> bytes:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(answer, "rb", buffering=0)
    protocol = asyncio.StreamReaderProtocol(reader)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    except BaseException:
        pipe.close()
        raise
    try:
        return await reader.read()
    finally:
        transport.close()


def _rows(said: bytes) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in said.splitlines()]
    except ValueError:
        rows = []
    if not rows or any("id" not in row for row in rows):
        raise Refused(_refusal("the doctor's process ended without an answer"))
    return rows


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    """Every value a string; steps of a repair a line each."""
    return {key: "\n".join(row[key]) if key == "repair" else row[key] for key in row if key != "protection"}


def _refusal(reason: str) -> Refusal:
    return Refusal("doctor-silent", f"cannot examine this host: {reason}", "exoctl doctor, as root", {}, Outcome.FAILED)
