"""THREATS 14: nothing of exod or of another plugin in the memory, environment, descriptors or stdio of an instance."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exod.sandbox.rig import Rig, ending, keeper_pid

SECRET = b"exod-secret-" + os.urandom(8).hex().encode()


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setenv("EXOD_SECRET", SECRET.decode())
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        yield rig


def writable_memory(pid: int) -> bytes:
    """All that a process could have a secret in, read from outside by root."""
    found = bytearray()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                low, high = (int(word, 16) for word in span.split("-"))
                memory.seek(low)
                found += memory.read(high - low)
    return bytes(found)


async def test_a_secret_of_exod_is_in_no_memory_below_it(rig: Rig) -> None:
    peer = await rig.start()
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    assert SECRET in writable_memory(os.getpid()), "the test itself must be able to find it"
    assert [pid for pid in (peer.pid, zygote.pid, keeper_pid(rig)) if SECRET in writable_memory(pid)] == []
    peer.end.close()


async def test_a_secret_of_one_plugin_is_not_in_its_sibling(rig: Rig) -> None:
    first = await rig.start(1)
    first.ask(f"sys.modules.setdefault('kept', {SECRET[::-1]!r})")
    assert SECRET[::-1] in writable_memory(first.pid)
    second = await rig.start(2)
    assert SECRET[::-1] not in writable_memory(second.pid)
    first.end.close()
    second.end.close()


async def test_the_environment_is_empty_and_the_descriptors_are_four(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert peer.ask("[key for key in os.environ if key != 'LC_CTYPE']") == "[]"
        descriptors = {name: os.readlink(f"/proc/{peer.pid}/fd/{name}") for name in os.listdir(f"/proc/{peer.pid}/fd")}
    assert sorted(descriptors) == ["0", "1", "2", "3"]
    assert descriptors["0"] == "/null", "of a mount that is nowhere attached"
    assert descriptors["1"] == descriptors["2"]
    assert descriptors["1"].startswith("pipe:")
    assert descriptors["3"].startswith("socket:")


async def test_the_nonce_of_a_sibling_is_not_in_memory(rig: Rig) -> None:
    launch = rig.launch(1)
    await rig.host.prepare(launch)
    (await rig.host.spawn(launch)).end.close()
    second = await rig.start(2)
    memory = writable_memory(second.pid)
    assert launch.nonce not in memory
    assert launch.nonce.hex().encode() not in memory
    second.end.close()
