"""The keeper, turn by turn in this process: lease, deposits, ends, and everything wild that may come in."""

import errno
import os
import random
import select
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from exod.linux.pidfd import WALL, ended
from exod.sandbox.frames import FRAME_SIZE, Frame, Op, decode, receive, send
from exod.sandbox.keeper import Keeper
from exod.sandbox.table import Table, load, store


class Bench:
    """A keeper on a socket in `directory`, and this process as its holder."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "keeper.sock")
        (directory / "zygotes").mkdir()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(self.path)
        listener.listen(8)
        self.channel = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.children: list[int] = []
        self.images: list[Table] = []
        self.keeper = Keeper(
            Table(listener=listener.detach()),
            groups=str(directory),
            start_zygote=lambda _: self.child(),
            reexecute=self.images.append,
        )
        self.end = self.connect()
        self.turn(2)

    def connect(self) -> socket.socket:
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        end.connect(self.path)
        return end

    def turn(self, count: int = 1) -> None:
        """As many turns as there is something to do for, and no waiting."""
        for _ in range(count):
            if self.keeper._poll.poll(0):
                self.keeper.turn()

    def ask(self, data: Frame | bytes, *fds: int) -> Frame:
        send(self.end, data.encode() if isinstance(data, Frame) else data, fds)
        self.turn()
        return self.hear()

    def hear(self) -> Frame:
        received = receive(self.end, FRAME_SIZE)
        assert received is not None
        data, fds = received
        for fd in fds:
            os.close(fd)
        frame = decode(data)
        assert frame is not None
        return frame

    def silent(self) -> bool:
        return not select.select([self.end], [], [], 0)[0]

    def child(self, status: int = 0) -> int:
        """A child that waits for its end; with a status, one that has ended already."""
        gate, closed = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.closerange(3, 256)
            if not status:
                signal.pause()
            os._exit(status)
        os.close(closed)
        os.read(gate, 1)  # ends when the child has closed all that it was forked with
        os.close(gate)
        self.children.append(pid)
        return pid

    def bound(self, id_: int, *, status: int = 0, log: int | None = None) -> int:
        pid = self.child(status)
        pidfd = os.pidfd_open(pid)
        assert self.ask(Frame(Op.DEPOSIT, id=id_, nonce=b"n" * 16), self.channel, log or self.channel).op == Op.ACK
        if status:
            assert ended(pidfd, seconds=5)
        assert self.ask(Frame(Op.BIND, id=id_, pid=pid), pidfd).op == Op.ACK
        os.close(pidfd)
        return pid

    def close(self) -> None:
        for pid in self.children:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | WALL)
            except (ProcessLookupError, ChildProcessError):
                continue
        self.end.close()
        os.close(self.channel)
        for descriptor in self.keeper.table.descriptors():
            os.close(descriptor)
        self.keeper._listener.detach()
        if self.keeper._holder is not None:
            self.keeper._holder.detach()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    before = len(os.listdir("/proc/self/fd"))
    bench = Bench(tmp_path)
    yield bench
    bench.close()
    assert len(os.listdir("/proc/self/fd")) == before, "descriptors that nobody owns"


def test_what_was_bound_is_handed_out_at_every_take(bench: Bench) -> None:
    pid = bench.bound(7)
    for _ in range(2):
        frame = bench.ask(Frame(Op.TAKE))
        assert (frame.op, frame.id, frame.pid, frame.nonce) == (Op.INSTANCE, 7, pid, b"n" * 16)
        assert bench.hear().op == Op.END


def test_each_take_is_another_epoch_and_the_log_goes_with_the_channel(bench: Bench) -> None:
    log, writer = os.pipe()
    bench.bound(7, log=log)
    for epoch in (1, 2):
        send(bench.end, Frame(Op.TAKE).encode())
        bench.turn()
        received = receive(bench.end, FRAME_SIZE)
        assert received is not None
        channel, pidfd, again = received[1]
        assert os.path.sameopenfile(channel, bench.channel)
        assert os.path.sameopenfile(again, log)
        for fd in (channel, pidfd, again):
            os.close(fd)
        assert (bench.hear().aux, bench.keeper.table.epoch) == (epoch, epoch)
    os.close(log)
    os.close(writer)


def test_what_was_only_deposited_is_not_handed_out(bench: Bench) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    assert bench.ask(Frame(Op.TAKE)).op == Op.END


def test_an_exit_is_told_at_once_and_again_until_it_is_forgotten(bench: Bench) -> None:
    pid = bench.bound(7)
    os.kill(pid, signal.SIGKILL)
    assert ended(bench.keeper.table.instances[7].pidfd, seconds=5)
    bench.turn()
    told = bench.hear()
    assert (told.op, told.id, told.pid, told.ref, told.aux) == (Op.EXIT, 7, pid, os.CLD_KILLED, signal.SIGKILL)
    assert bench.ask(Frame(Op.TAKE)) == told
    assert bench.hear().op == Op.END
    assert bench.ask(Frame(Op.FORGET, id=7)).op == Op.ACK
    assert bench.ask(Frame(Op.TAKE)).op == Op.END


def test_a_child_that_ended_before_it_was_bound_still_has_its_true_status(bench: Bench) -> None:
    bench.bound(7, status=3)
    bench.turn()
    told = bench.hear()
    assert (told.op, told.ref, told.aux) == (Op.EXIT, os.CLD_EXITED, 3)


def test_what_lives_is_not_forgotten(bench: Bench) -> None:
    bench.bound(7)
    refused = bench.ask(Frame(Op.FORGET, id=7))
    assert (refused.op, refused.aux) == (Op.NAK, errno.EBUSY)


def test_forgetting_a_deposit_or_nothing_is_fine(bench: Bench) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    assert bench.ask(Frame(Op.FORGET, id=7)).op == Op.ACK
    assert bench.ask(Frame(Op.FORGET, id=7)).op == Op.ACK
    assert bench.keeper.table.instances == {}


@pytest.mark.parametrize(
    ("frame", "fds", "number"),
    [
        (b"x", 0, errno.EBADMSG),
        (bytes(64), 0, errno.EBADMSG),
        (bytes(200), 2, errno.EBADMSG),
        (Frame(0).encode(), 0, errno.ENOSYS),
        (Frame(99).encode(), 0, errno.ENOSYS),
        (Frame(Op.EXIT).encode(), 0, errno.ENOSYS),
        (Frame(0xFFFFFFFF).encode(), 0, errno.ENOSYS),
        (Frame(Op.TAKE).encode(), 1, errno.EINVAL),
        (Frame(Op.DEPOSIT, id=1).encode(), 0, errno.EINVAL),
        (Frame(Op.DEPOSIT, id=1).encode(), 3, errno.EINVAL),
        (Frame(Op.BIND, id=1, pid=1).encode(), 1, errno.ENOENT),
        (Frame(Op.BIND, id=(1 << 64) - 1, pid=-1).encode(), 1, errno.ENOENT),
    ],
)
def test_wild_requests_are_refused_with_an_errno(bench: Bench, frame: bytes, fds: int, number: int) -> None:
    refused = bench.ask(frame, *[bench.end.fileno()] * fds)
    assert (refused.op, refused.aux) == (Op.NAK, number)
    assert bench.ask(Frame(Op.STAT)).op == Op.ACK


def test_thousands_of_random_requests_kill_nothing_and_leave_no_descriptor(bench: Bench) -> None:
    rng = random.Random(40)
    bench.bound(7)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2000):
        wild = bytearray(Frame(rng.choice([0, 1, 4, 5, 7, 8, 2**32 - 1]), id=rng.getrandbits(64)).encode())
        for _ in range(rng.randrange(3)):
            wild[rng.randrange(64)] = rng.randrange(256)
        send(bench.end, bytes(wild[: rng.choice([64, 64, 64, 12, 1])]), [bench.end.fileno()] * rng.randrange(3))
        bench.turn()
        while not bench.silent():
            bench.hear()
    assert len(os.listdir("/proc/self/fd")) <= before + sum(
        not one.pid for one in bench.keeper.table.instances.values()
    )
    assert bench.keeper.table.instances[7].pid == bench.children[0]


def test_an_id_is_deposited_once(bench: Bench) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    refused = bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    assert (refused.op, refused.aux) == (Op.NAK, errno.EEXIST)


def test_binding_what_is_no_pidfd_is_refused(bench: Bench) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    refused = bench.ask(Frame(Op.BIND, id=7, pid=os.getpid()), bench.channel)
    assert refused.op == Op.NAK


def test_binding_somebody_elses_process_is_refused(bench: Bench) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    pidfd = os.pidfd_open(1)
    refused = bench.ask(Frame(Op.BIND, id=7, pid=1), pidfd)
    os.close(pidfd)
    assert (refused.op, refused.aux) == (Op.NAK, errno.ECHILD)


def test_binding_under_another_number_is_refused(bench: Bench) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    pidfd = os.pidfd_open(bench.child())
    refused = bench.ask(Frame(Op.BIND, id=7, pid=1), pidfd)
    os.close(pidfd)
    assert (refused.op, refused.aux) == (Op.NAK, errno.EINVAL)


def test_one_process_is_bound_once(bench: Bench) -> None:
    pid = bench.bound(7)
    bench.ask(Frame(Op.DEPOSIT, id=8), bench.channel, bench.channel)
    pidfd = os.pidfd_open(pid)
    refused = bench.ask(Frame(Op.BIND, id=8, pid=pid), pidfd)
    os.close(pidfd)
    assert (refused.op, refused.aux) == (Op.NAK, errno.EINVAL)


def test_a_zygote_comes_with_its_socket_and_is_reaped(bench: Bench) -> None:
    send(bench.end, Frame(Op.ZYGOTE, id=5).encode())
    bench.turn()
    received = receive(bench.end, FRAME_SIZE)
    assert received is not None
    data, fds = received
    frame = decode(data)
    assert frame is not None
    assert (frame.op, frame.id, len(fds)) == (Op.BORN, 5, 2)
    os.kill(frame.pid, signal.SIGKILL)
    assert ended(fds[1], seconds=5)
    bench.turn()
    assert bench.keeper.table.zygotes == {}
    for fd in fds:
        os.close(fd)


def test_a_second_exod_waits_while_the_first_lives_even_without_a_socket(bench: Bench) -> None:
    gate, wait = os.pipe()
    pid = os.fork()
    if pid == 0:
        bench.end.close()
        other = bench.connect()
        send(other, Frame(Op.STAT).encode())
        os.write(wait, b"x")
        answered = select.select([other], [], [], 5)[0]
        os._exit(0 if answered else 9)
    os.read(gate, 1)
    bench.turn(3)
    assert len(bench.keeper.table.waiting) == 1
    bench.end.close()
    bench.turn(3)
    assert len(bench.keeper.table.waiting) == 1
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(gate)
    os.close(wait)


def test_the_holder_itself_may_come_back(bench: Bench) -> None:
    bench.bound(7)
    bench.end.close()
    bench.turn()
    bench.end = bench.connect()
    bench.turn(2)
    assert bench.ask(Frame(Op.TAKE)).id == 7


def test_the_next_is_served_when_the_holders_process_ends(tmp_path: Path) -> None:
    bench = Bench.__new__(Bench)
    bench.children, bench.images = [], []
    bench.channel = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    bench.path = str(tmp_path / "keeper.sock")
    (tmp_path / "zygotes").mkdir()
    (tmp_path / "instances/i-9").mkdir(parents=True)
    (tmp_path / "instances/i-9/cgroup.kill").touch()
    (tmp_path / "zygotes/cgroup.kill").touch()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(bench.path)
    listener.listen(8)
    bench.keeper = Keeper(
        Table(listener=listener.detach()),
        groups=str(tmp_path),
        start_zygote=lambda _: bench.child(),
        reexecute=bench.images.append,
    )
    pid = os.fork()
    if pid == 0:
        first = bench.connect()
        send(first, Frame(Op.DEPOSIT, id=9).encode(), [first.fileno(), first.fileno()])
        signal.pause()
    while 9 not in bench.keeper.table.instances:
        bench.keeper.turn()
    bench.end = bench.connect()
    bench.turn()
    os.kill(pid, signal.SIGKILL)
    while bench.keeper.table.holder_pid != os.getpid():
        bench.keeper.turn()
    assert (tmp_path / "instances/i-9/cgroup.kill").read_text() == "1"
    assert (tmp_path / "zygotes/cgroup.kill").read_text() == "1"
    assert bench.keeper.table.instances == {}
    while bench.keeper.table.nameless:  # the dead holder is a child here, whom nobody bound
        bench.keeper.turn()
    bench.close()


def test_a_holder_that_does_not_read_stops_nothing(bench: Bench) -> None:
    pid = bench.bound(7)
    for _ in range(2000):
        bench.keeper._tell(Frame(Op.ACK))
    os.kill(pid, signal.SIGKILL)
    assert ended(bench.keeper.table.instances[7].pidfd, seconds=5)
    bench.turn()
    assert bench.keeper.table.exits[7][0] == pid


def test_the_counts_are_told(bench: Bench) -> None:
    bench.bound(7)
    frame = bench.ask(Frame(Op.STAT))
    instances, exits, zygotes, descriptors = struct.unpack("<4I", frame.nonce)
    assert (instances, exits, zygotes) == (1, 0, 0)
    assert descriptors > 3
    assert frame.pid == os.getpid()


def test_the_table_goes_through_a_re_execution_unchanged(bench: Bench) -> None:
    bench.bound(7)
    bench.keeper.table.exits[3] = (1, 2, 3)
    bench.keeper.table.epoch = 5
    heard, alarm = socket.socketpair()
    with heard, alarm:
        bench.keeper.heed(heard.fileno())
        alarm.send(b"\1")
        bench.keeper.turn()
        bench.keeper._poll.unregister(heard.fileno())
    (table,) = bench.images
    memory = store(table)
    with pytest.raises(PermissionError):
        os.pwrite(memory, b"x", 0)
    again = load(memory)
    assert again == table
    keeper = Keeper(again, groups="", start_zygote=lambda _: 0, reexecute=lambda _: None)
    send(bench.end, Frame(Op.STAT).encode())
    keeper.turn()
    assert bench.hear().op == Op.ACK
    keeper._listener.detach()
    assert keeper._holder is not None
    keeper._holder.detach()


def test_a_group_that_was_never_given_to_it_does_not_end_the_keeper(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.ask(Frame(Op.DEPOSIT, id=7), bench.channel, bench.channel)
    monkeypatch.setattr(os, "open", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    assert bench.ask(Frame(Op.FORGET, id=7)).op == Op.ACK
    assert "instances/i-7: Permission denied" in capsys.readouterr().err
