"""A real worker, asked: its answers, its end, and what is made of an answer that is none."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from exod.brokers.network import resolver
from exod.brokers.network.resolver import Resolver, addresses
from exod.linux.pidfd import ended, pidfd_send_signal
from tests import uids

UID = uids.RESOLVER
HERE = ip_address("127.0.0.1")


@pytest.fixture
async def asked() -> AsyncIterator[Resolver]:
    found = Resolver(uid=UID)
    yield found
    await found.close()


@pytest.mark.slow
async def test_a_name_has_its_addresses_and_one_worker_tells_many(asked: Resolver) -> None:
    assert HERE in await asked.resolve("localhost")
    first = asked._worker.pidfd
    answers = await asyncio.gather(*(asked.resolve("localhost") for _ in range(20)))
    assert all(HERE in answer for answer in answers)
    assert asked._worker.pidfd == first


@pytest.mark.slow
async def test_a_worker_that_was_killed_is_followed_by_another(asked: Resolver) -> None:
    await asked.resolve("localhost")
    gone = asked._worker.gone
    pidfd_send_signal(asked._worker.pidfd, signal.SIGKILL)
    await gone.wait()
    assert HERE in await asked.resolve("localhost")


@pytest.mark.slow
async def test_it_is_gone_when_it_is_closed_and_closing_twice_is_fine(asked: Resolver) -> None:
    await asked.resolve("localhost")
    copy = os.dup(asked._worker.pidfd)
    await asked.close()
    await asked.close()
    assert ended(copy)
    os.close(copy)


@pytest.mark.slow
async def test_one_that_does_not_answer_in_time_is_ended_and_told_nothing(
    asked: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked.resolve("localhost")
    pidfd_send_signal(asked._worker.pidfd, signal.SIGSTOP)
    monkeypatch.setattr(resolver, "_PATIENCE", 0.01)
    gone = asked._worker.gone
    assert await asked.resolve("localhost") == []
    await gone.wait()


def test_only_addresses_are_believed_of_an_answer() -> None:
    said = b"127.0.0.1 \xff\xfe nonsense fe80::1%lo 1.2.3 2001:db8::1 " + b"8.8.8.8 " * 99
    found = addresses(said)
    assert found[:2] == [HERE, ip_address("2001:db8::1")]
    assert len(found) <= 16
