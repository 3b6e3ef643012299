"""THREATS 40: nothing of the zygote or a sibling in a new instance; wild requests change nothing."""

import os
import random
import signal
import socket
from pathlib import Path

from exod.linux import procfs
from exod.sandbox import frames
from exod.sandbox.generation import Zygote
from tests.exod.sandbox.rig import Rig, keeper_pid


async def test_signals_umask_session_and_priority_are_reset(rig: Rig) -> None:
    peer = await rig.start()
    status = procfs.status(peer.pid)
    kept = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    assert int(status["SigBlk"], 16) == 0
    assert int(status["SigCgt"], 16) == 0
    assert int(status["SigIgn"], 16) == kept
    assert status["Umask"] == "0077"
    assert os.getsid(peer.pid) == peer.pid
    assert os.getpriority(os.PRIO_PROCESS, peer.pid) == os.getpriority(os.PRIO_PROCESS, keeper_pid(rig))
    assert text(peer.pid, "oom_score_adj").strip() == "500"
    assert os.readlink(f"/proc/{peer.pid}/cwd") == "/"
    limits = next(line for line in text(peer.pid, "limits").splitlines() if line.startswith("Max core"))
    assert limits.split()[4:6] == ["1", "1"], "0 would still start a core_pattern pipe"
    peer.end.close()


def text(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def test_the_host_name_is_the_same_in_every_instance_and_not_the_hosts(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert peer.ask("os.uname().nodename") == "'plugin'"


async def test_a_terminal_is_nowhere(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert "FileNotFoundError" in peer.ask("os.open('/dev/tty', os.O_RDWR)")
        assert "Error" in peer.ask("__import__('fcntl').ioctl(0, 0x5412, b'x')")


async def test_random_numbers_of_siblings_differ(rig: Rig) -> None:
    first, second = await rig.start(1), await rig.start(2)
    with first.end, second.end:
        assert first.ask("os.urandom(16)") != second.ask("os.urandom(16)")


async def test_wild_requests_reach_a_zygote_and_a_keeper_and_change_nothing(rig: Rig) -> None:
    peer = await rig.start(1)
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    if zygote._refill is not None:
        await zygote._refill
    rng = random.Random(40)
    for _ in range(300):
        wild = bytearray(
            frames.request(rng.choice([0, 1, 2, 3, 9]), id_=5, uid=rng.getrandbits(32), fds=rng.randrange(9))
        )
        for _ in range(rng.randrange(1, 4)):
            wild[rng.randrange(4)] ^= rng.randrange(1, 256)
        data, fds = await zygote._answered(zygote._ask(bytes(wild[: rng.choice([64, 64, 1, 63])])))
        assert frames.reply(data) is not None
        assert not fds
    with peer.end:
        assert peer.ask("1 + 1") == "2"
    (await rig.start(2)).end.close()


async def settled(zygote: Zygote) -> None:
    """It answers before it closes: only the answer to a later request tells that all of the last one's are closed."""
    await zygote._answered(zygote._ask(frames.request(frames.FORK, id_=0, uid=zygote.block.first + 1, fds=6)))


async def test_one_more_descriptor_than_asked_for_is_a_refusal_and_is_closed(rig: Rig) -> None:
    (await rig.start(1)).end.close()
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    if zygote._refill is not None:
        await zygote._refill
    await settled(zygote)
    before = sorted(os.listdir(f"/proc/{zygote.pid}/fd"))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for count in (1, 7, 72, 200):
            request = frames.request(frames.FORK, id_=0, uid=zygote.block.first + 1, fds=6)
            data, fds = await zygote._answered(zygote._ask(request, [ours.fileno()] * count))
            answer = frames.reply(data)
            assert answer is not None
            assert answer[0] == 22
            assert not fds
        await settled(zygote)
    assert sorted(os.listdir(f"/proc/{zygote.pid}/fd")) == before
