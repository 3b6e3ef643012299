"""A real worker, asked: hostile packages harm neither it, nor the next package, nor us."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.brokers.lint import reading
from exod.brokers.lint.job import pack
from exod.brokers.lint.reading import Reader
from exod.brokers.lint.source import Asked
from exod.linux.pidfd import ended
from tests import uids

pytestmark = pytest.mark.slow
UID = uids.LINT
CLEAN = pack(Asked(), {"code/a.py": "ä = '\\N{BULLET}'\n".encode()})
WHOLE = ">0\n.\n"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    found = Reader(uid=UID)
    yield found
    await found.close()


def mine() -> set[int]:
    """Every process of the worker's uid."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if place.stat().st_uid == UID or f"\nUid:\t{UID}\t" in (place / "status").read_text():
                found.add(int(place.name))
        except OSError:
            continue
    return found


async def test_an_answer_comes_back_and_the_worker_waits_for_the_next(reader: Reader) -> None:
    assert await reader.read(CLEAN) == WHOLE
    first = reader._worker.pidfd
    assert await reader.read(CLEAN) == WHOLE
    assert reader._worker.pidfd == first


async def test_many_at_once_are_all_answered(reader: Reader) -> None:
    jobs = [pack(Asked(), {"code/a.py": b"import exod\n" * number}) for number in range(1, 13)]
    answers = await asyncio.gather(*map(reader.read, jobs))
    assert [answer.count("daemon-internals") for answer in answers] == list(range(1, 13))


async def test_it_has_a_uid_of_its_own_and_is_gone_when_it_is_closed(reader: Reader) -> None:
    await reader.read(CLEAN)
    with contextlib.ExitStack() as stack:
        living = []
        for pid in mine():
            with contextlib.suppress(ProcessLookupError):  # the one that read may be about to end
                living.append(os.pidfd_open(pid))
                stack.callback(os.close, living[-1])
        assert living
        await reader.close()
        await reader.close()
        assert all(ended(pidfd, seconds=10) for pidfd in living)


async def test_a_worker_that_was_killed_is_replaced(reader: Reader) -> None:
    await reader.read(CLEAN)
    reader._worker.end()
    assert await reader.read(CLEAN) == WHOLE


async def test_one_that_left_with_the_job_in_its_hands_is_replaced(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_START", "import os; os.read(0, 1)")
    asking = reader._ask
    answers = []

    async def ask(job: bytes) -> bytes:
        answers.append(await asking(job))
        monkeypatch.undo()
        return answers[-1]

    monkeypatch.setattr(reader, "_ask", ask)
    assert await reader.read(CLEAN) == WHOLE
    assert answers == [b""]


async def test_one_that_never_starts_says_nothing(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_START", "import sys; sys.exit(1)")
    assert await reader.read(CLEAN) == ""


async def test_one_that_hangs_is_ended(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_START", "import time; time.sleep(600)")
    monkeypatch.setattr(reading, "PATIENCE", 0.01)
    assert await reader.read(CLEAN) == ""


async def test_one_that_babbles_is_not_listened_to_for_ever(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    babble = "import _socket, os, array; f = array.array('i'); d = _socket.socket(fileno=0).recvmsg(1, 24)[1][0][2];"
    babble += " f.frombytes(d[:8])\nwhile True: os.write(f[1], b'x' * 4096)"
    monkeypatch.setattr(reading, "_START", babble)
    assert len(await reader.read(CLEAN)) == reading.OUTPUT_MAX


@pytest.mark.parametrize(
    "bomb",
    [b"(" * 100_000, b"x = [" + b"1," * 200_000 + b"]", b"-" * 900_000 + b"1", b"x = 1\n" * 50_000],
    ids=["nested", "wide", "minus", "long"],
)
async def test_a_bomb_ends_at_most_its_own_reader(reader: Reader, bomb: bytes) -> None:
    answer = await reader.read(pack(Asked(), {"code/a.py": bomb}))
    assert answer.startswith(">0\n")
    assert await reader.read(CLEAN) == WHOLE
