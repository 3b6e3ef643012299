"""The keeper: parent of every zygote and instance, so that they outlive exod and their true end is known.

Fixed-size requests of one holder at a time → duplicates kept, children reaped, exit records repeated until forgotten.
Wild values are refused with an errno and are never fatal. No privilege, only the standard library; it never reads,
writes, polls or configures the channel ends it keeps, for those are shared with exod.
"""

import errno
import fcntl
import os
import select
import socket
import struct
import sys
from collections.abc import Callable

from exod.linux.descriptors import close, opened
from exod.linux.pidfd import ended, pidfd_open, pidfd_pid, waitid
from exod.sandbox.frames import FRAME_SIZE, Frame, Op, decode, receive, send
from exod.sandbox.table import Instance, Table

DEPOSITS_MAX = 4096
ZYGOTES_MAX = 256
"""Two for each signer and level, one of them in use."""
WAITING_MAX = 8
SO_PEERPIDFD = 77


class RefusedError(Exception):
    """A request that is not served; its errno goes back."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Keeper:
    """`start_zygote` gets one end of a socket and returns a pid; `reexecute` does not return. `groups`: the cgroups."""

    def __init__(
        self, table: Table, *, groups: str, start_zygote: Callable[[int], int], reexecute: Callable[[Table], None]
    ) -> None:
        self.table, self.groups = table, groups
        self._start_zygote, self._reexecute = start_zygote, reexecute
        self._poll = select.poll()
        self._alarm = -1
        self._listener = socket.socket(fileno=table.listener)
        self._holder = socket.socket(fileno=table.holder) if table.holder >= 0 else None
        for descriptor in table.polled():
            self._poll.register(descriptor, select.POLLIN)

    def heed(self, alarm: int) -> None:
        """What can be read from `alarm` asks for the re-execution: a signal, served between two requests like one."""
        self._alarm = alarm
        self._poll.register(alarm, select.POLLIN)

    def run(self) -> None:
        while True:
            self.turn()

    def turn(self) -> None:
        """Waits for something to happen, and deals with all that has."""
        for descriptor, _ in self._poll.poll():
            if descriptor == self.table.listener:
                self._accept()
            elif descriptor == self.table.holder:
                self._serve()
            elif descriptor == self.table.holder_pidfd:
                self._holder_ended()
            elif descriptor == self._alarm:
                self._reexecute(self.table)
            else:
                self._reap(descriptor)
        while self.table.holder_pidfd < 0 and self.table.waiting:
            self._lease(socket.socket(fileno=self.table.waiting.pop(0)))
        if self._holder is None:
            self._return()

    # --- lease --------------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        peer, _ = self._listener.accept()
        _, uid = _credentials(peer)
        if uid == 0 and len(self.table.waiting) < WAITING_MAX:
            self.table.waiting.append(peer.detach())
        else:
            peer.close()

    def _return(self) -> None:
        """The holder itself, which closed its socket but lives, need not wait for its own end."""
        for descriptor in self.table.waiting:
            peer = socket.socket(fileno=descriptor)
            if _credentials(peer)[0] == self.table.holder_pid:
                self.table.waiting.remove(descriptor)
                self._hold(peer)
                return
            peer.detach()

    def _lease(self, peer: socket.socket) -> None:
        """One holder at a time: a closed socket is not a dead exod, only its pidfd says that."""
        pidfd = _peer_pidfd(peer)
        if pidfd < 0 or ended(pidfd):
            peer.close()
            close([pidfd] if pidfd >= 0 else [])
            return
        self.table.holder_pidfd, self.table.holder_pid = pidfd, _credentials(peer)[0]
        self._poll.register(pidfd, select.POLLIN)
        self._hold(peer)

    def _hold(self, peer: socket.socket) -> None:
        self._holder, self.table.holder = peer, peer.fileno()
        self._poll.register(peer.fileno(), select.POLLIN)

    def _drop(self) -> None:
        if self._holder is not None:
            self._poll.unregister(self._holder.fileno())
            self._holder.close()
            self._holder, self.table.holder = None, -1

    def _holder_ended(self) -> None:
        """Its zygotes end first, so that none forks after this; then what was forked but never bound is ended."""
        self._drop()
        self._forget_pidfd(self.table.holder_pidfd)
        self.table.holder_pidfd, self.table.holder_pid = -1, 0
        _kill_group(f"{self.groups}/zygotes")
        for pidfd in self.table.zygotes:
            ended(pidfd, seconds=5)
        for id_ in [id_ for id_, instance in self.table.instances.items() if not instance.pid]:
            self._abandon(id_)

    def _abandon(self, id_: int) -> None:
        """A deposit that nobody bound: its group names whatever was forked for it."""
        _kill_group(f"{self.groups}/instances/i-{id_}")
        _let_go(self.table.instances.pop(id_))
        if all(instance.pid for instance in self.table.instances.values()):
            self._find_nameless()

    def _find_nameless(self) -> None:
        known = {instance.pid for instance in self.table.instances.values()}
        known |= set(self.table.zygotes.values()) | set(self.table.nameless.values())
        for pid in set(_children()) - known:
            self._watch(pid, among=self.table.nameless)

    # --- children -----------------------------------------------------------------------------------------------------

    def _watch(self, pid: int, *, among: dict[int, int]) -> int:
        pidfd = pidfd_open(pid)
        among[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        return pidfd

    def _reap(self, pidfd: int) -> None:
        try:
            end = waitid(pidfd)
        except OSError:  # closed earlier in this very turn
            return
        if end is None:
            return
        self._forget_pidfd(pidfd)
        if self.table.zygotes.pop(pidfd, None) or self.table.nameless.pop(pidfd, None):
            return
        id_ = next(id_ for id_, instance in self.table.instances.items() if instance.pidfd == pidfd)
        instance = self.table.instances.pop(id_)
        _let_go(instance)
        self.table.exits[id_] = (instance.pid, end.si_code, end.si_status)
        self._tell_exit(id_)

    def _forget_pidfd(self, pidfd: int) -> None:
        self._poll.unregister(pidfd)
        os.close(pidfd)

    def _tell_exit(self, id_: int) -> None:
        pid, code, status = self.table.exits[id_]
        self._tell(Frame(Op.EXIT, id=id_, pid=pid, ref=code, aux=status))

    def _tell(self, frame: Frame, *fds: int) -> None:
        """Never waits: a stopped exod must not stop the reaping. An exit that is lost is told again at TAKE."""
        if self._holder is None:
            return
        try:
            send(self._holder, frame.encode(), fds)
        except OSError as error:
            _log(f"cannot tell {Op(frame.op).name}: {error.strerror}")

    # --- requests -----------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        received = receive(self._holder, FRAME_SIZE) if self._holder is not None else None
        if received is None:
            return
        data, fds = received
        try:
            if data:
                self._answer(decode(data), fds)
            else:
                self._drop()
        finally:
            close(fds)

    def _answer(self, frame: Frame | None, fds: list[int]) -> None:
        """A handler takes what it keeps out of `fds`; the rest is closed."""
        known = _HANDLERS.get(frame.op) if frame else None
        try:
            if frame is None or known is None:
                raise RefusedError(errno.EBADMSG if frame is None else errno.ENOSYS)
            handler, expected = known
            if len(fds) != expected:
                raise RefusedError(errno.EINVAL)
            handler(self, frame, fds)
        except RefusedError as refused:
            id_, op = (frame.id, frame.op) if frame else (0, 0)
            self._tell(Frame(Op.NAK, id=id_, ref=op, aux=refused.number))

    def take(self, frame: Frame, _: list[int]) -> None:
        self.table.epoch += 1
        for id_, instance in self.table.instances.items():
            if instance.pid:
                told = Frame(Op.INSTANCE, id=id_, pid=instance.pid, nonce=bytes.fromhex(instance.nonce))
                self._tell(told, instance.channel, instance.pidfd, instance.log)
        for id_ in self.table.exits:
            self._tell_exit(id_)
        self._tell(Frame(Op.END, id=frame.id, pid=os.getpid(), ref=frame.op, aux=self.table.epoch))

    def zygote(self, frame: Frame, _: list[int]) -> None:
        if len(self.table.zygotes) >= ZYGOTES_MAX:
            raise RefusedError(errno.EAGAIN)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            pid = self._start_zygote(theirs.fileno())
            pidfd = self._watch(pid, among=self.table.zygotes)
            self._tell(Frame(Op.BORN, id=frame.id, pid=pid, ref=frame.op), ours.fileno(), pidfd)

    def deposit(self, frame: Frame, fds: list[int]) -> None:
        if frame.id in self.table.instances or frame.id in self.table.exits:
            raise RefusedError(errno.EEXIST)
        if len(self.table.instances) >= DEPOSITS_MAX:
            raise RefusedError(errno.EAGAIN)
        log, channel = fds.pop(), fds.pop()
        self.table.instances[frame.id] = Instance(channel=channel, log=log, nonce=frame.nonce.hex())
        self._acknowledge(frame)

    def bind(self, frame: Frame, fds: list[int]) -> None:
        instance = self.table.instances.get(frame.id)
        if instance is None or instance.pid or frame.pid <= 0:
            raise RefusedError(errno.ENOENT)
        try:
            waitid(fds[0], keep=True)
        except OSError as error:  # no pidfd, or not of a child of this process
            raise RefusedError(error.errno or errno.EINVAL) from error
        taken = {*self.table.zygotes.values(), *(other.pid for other in self.table.instances.values())}
        if pidfd_pid(fds[0]) != frame.pid or frame.pid in taken:
            raise RefusedError(errno.EINVAL)
        instance.pid, instance.pidfd = frame.pid, fds.pop()
        self._poll.register(instance.pidfd, select.POLLIN)
        self._acknowledge(frame)

    def forget(self, frame: Frame, _: list[int]) -> None:
        instance = self.table.instances.get(frame.id)
        if instance is not None and instance.pid:
            raise RefusedError(errno.EBUSY)
        if instance is not None:
            self._abandon(frame.id)
        self.table.exits.pop(frame.id, None)
        self._acknowledge(frame)

    def stat(self, frame: Frame, _: list[int]) -> None:
        table = self.table
        mine = len(table.instances), len(table.exits), len(table.zygotes), len(os.listdir("/proc/self/fd"))
        counts = struct.pack("<4I", *mine)
        self._tell(Frame(Op.ACK, id=frame.id, pid=os.getpid(), ref=frame.op, nonce=counts))

    def _acknowledge(self, frame: Frame) -> None:
        self._tell(Frame(Op.ACK, id=frame.id, ref=frame.op))


_HANDLERS: dict[int, tuple[Callable[[Keeper, Frame, list[int]], None], int]] = {
    Op.TAKE: (Keeper.take, 0),
    Op.ZYGOTE: (Keeper.zygote, 0),
    Op.DEPOSIT: (Keeper.deposit, 2),
    Op.BIND: (Keeper.bind, 1),
    Op.FORGET: (Keeper.forget, 0),
    Op.STAT: (Keeper.stat, 0),
}
"""op → handler, and how many descriptors come with it"""


def _credentials(peer: socket.socket) -> tuple[int, int]:
    pid, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid


def _peer_pidfd(peer: socket.socket) -> int:
    """-1 when the peer is gone."""
    try:
        pidfd = peer.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
        fcntl.fcntl(pidfd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        return pidfd
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            return -1
    try:  # before Linux 6.5: by number, which may be another's by now
        return pidfd_open(_credentials(peer)[0])
    except OSError:
        return -1


def _let_go(instance: Instance) -> None:
    os.close(instance.channel)
    os.close(instance.log)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def _kill_group(path: str) -> None:
    """Also the way to end what runs under other uids, which a keeper without privilege may not signal.

    A group that an exod made and was killed before it gave away is not ours to kill; nothing can be in it yet.
    """
    try:
        with opened(os.open(f"{path}/cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)) as kill:
            os.write(kill, b"1")
    except FileNotFoundError:
        return
    except OSError as error:
        _log(f"cannot kill {path}: {error.strerror}")


def _log(text: str) -> None:
    print(f"keeper: {text}", file=sys.stderr, flush=True)  # noqa: T201
