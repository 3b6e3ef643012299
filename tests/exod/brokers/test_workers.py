"""What a worker says is heard up to its end, its last word, or more than it may say."""

import os

import pytest

from exod.brokers.network import resolver
from exod.brokers.workers import collect


async def heard(said: bytes, *, most: int, last: bytes = b"") -> bytes:
    """Of one that goes on living."""
    source, sink = os.pipe()
    os.write(sink, said)
    try:
        return await collect(source, most=most, last=last)
    finally:
        os.close(source)
        os.close(sink)


async def test_an_answer_without_end_is_cut() -> None:
    assert len(await heard(b"1" * 60_000, most=resolver._ANSWER)) == resolver._ANSWER


@pytest.mark.parametrize("said", [b".\n", b"words\n.\n"])
async def test_the_last_word_is_waited_for_and_no_more(said: bytes) -> None:
    assert await heard(said, most=100, last=b".\n") == said
