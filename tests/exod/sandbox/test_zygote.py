"""The zygote's parts that can run here: what it accepts, over a socketpair; it forks nothing in these tests."""

import array
import errno
import os
import random
import socket
import struct
from collections.abc import Sequence

import pytest

from exod.sandbox import _spawn, frames, zygote


def serve(messages: Sequence[tuple[bytes, int]]) -> list[tuple[int, int, int] | None]:
    """What a zygote answers to these messages, each with that many descriptors, before a hang-up."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open(os.devnull, "rb") as null:
        for data, fds in messages:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()] * fds))] if fds else []
            ours.sendmsg([data], rights)
        ours.shutdown(socket.SHUT_WR)
        assert _spawn.serve(theirs.fileno()) is None
        return [frames.reply(ours.recv(100)) for _ in messages]


WILD = [
    (b"x", 0),
    (bytes(80), 0),
    (frames.request(0), 0),
    (frames.request(4), 0),
    (frames.request(0xFFFFFFFF, id_=9), 0),
    (frames.request(frames.NETNS), 1),
    (frames.request(frames.NETNS, files=1), 0),
    (frames.request(frames.NETNS, flags=1), 0),
    (frames.request(frames.NETNS, bounds=(0, 0, 0, 1)), 0),
    (frames.request(frames.LOADED), 0),
    (frames.request(frames.LOADED, fds=2), 2),
    (frames.request(frames.LOADED, fds=1, flags=frames.FLAG_NATIVE), 1),
    (frames.request(frames.FORK), 0),
    (frames.request(frames.FORK, fds=6), 6),
    (frames.request(frames.FORK, fds=6, uid=0), 6),
    (frames.request(frames.FORK, fds=6, uid=0xFFFFFFFF), 6),
    (frames.request(frames.FORK, fds=7, uid=5), 6),
    (frames.request(frames.FORK, fds=6, files=0xFFFFFFFF, uid=5), 6),
    (frames.request(frames.FORK, fds=6, files=0x7FFFFFFF, uid=5), 6),
    (frames.request(frames.FORK, fds=6, flags=2, uid=5), 6),
    (frames.request(frames.FORK)[:-1] + b"\1", 0),
    (frames.request(frames.FORK) + b"\0", 0),
    (frames.request(frames.FORK, fds=200), 200),
]


@pytest.mark.parametrize(("data", "fds"), WILD)
def test_a_request_that_is_not_exactly_one_is_answered_with_an_errno(data: bytes, fds: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    (answer,) = serve([(data, fds)])
    assert answer is not None
    assert answer[0] == errno.EINVAL
    assert answer[2] == 0
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_zygote_outlives_thousands_of_wild_requests() -> None:
    rng = random.Random(40)
    for _ in range(40):
        batch = [(rng.randbytes(rng.choice([1, 12, 64, 79, 80, 81])), rng.randrange(3)) for _ in range(50)]
        assert all(answer is not None and answer[0] == errno.EINVAL for answer in serve(batch))


def test_the_walls_are_named_in_the_order_of_the_design() -> None:
    steps = list(_spawn.STEPS)
    assert steps[-4:] == ["no_new_privileges", "no_new_code", "landlock", "filter"]
    order = ["enter_network", "build_root", "pivot", "become", "own_users", "drop_capabilities", "descriptors"]
    assert [step for step in steps if step in order] == order


def test_warming_passes_over_an_extension_that_is_not_there() -> None:
    zygote.warm(["_json", "no_such_extension"])


def test_warming_insists_on_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygote, "SDK", ("no_such_sdk",))
    with pytest.raises(ModuleNotFoundError):
        zygote.warm(["no_such_sdk"])


@pytest.mark.parametrize("data", [bytes(16), bytes(3)])
def test_what_is_no_arming_message_is_refused_before_anything_changes(data: bytes) -> None:
    uid = os.getresuid()
    with pytest.raises((ValueError, struct.error)):
        zygote.confine(data, [])
    assert os.getresuid() == uid


def test_a_path_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        _spawn.arm(0, 0, "x" * 200, "y")


def test_what_the_kernel_refuses_is_an_error_here() -> None:
    with pytest.raises(OSError, match="unshare"):
        _spawn.unshare(-1)
    with pytest.raises(OSError, match="user namespace"):
        _spawn.mapped_users(0xFFFFFFFF, 1, 1)
