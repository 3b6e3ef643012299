"""The real Sandbox: Launch → instance → nothing, over keeper, zygotes, cgroups, mounts and pipes.

Blocks the loop for well under a millisecond at a time; what may take longer (a large package, an idmapped mount) runs
in a thread. Every step may fail at any point, and `discard` takes back whatever was done.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused
from exod.linux import cgroupfs, mount, pidfd, procfs
from exod.sandbox import data, development, frames, grants, root, sealed, walls
from exod.sandbox.cell import NONE, Born, Cell
from exod.sandbox.frames import Frame
from exod.sandbox.groups import Groups, place
from exod.sandbox.lease import Lease
from exod.sandbox.logs import Logs
from exod.sandbox.nursery import Nursery
from exod.sandbox.uids import Uids, taken
from exod.supervisor.ports import Exit, Launch, Survivor

_LARGE = 1 << 18
"""Packages above this many bytes are written in a thread."""
_TMP = 4 << 20
_FIRST_WORD = 5.0
_END_WAIT = 1.0
_EXITED, _KILLED, _DUMPED = 1, 2, 3
"""si_code of waitid(2)"""


@dataclass(frozen=True, slots=True)
class Places:
    """run: sockets and counters of this boot. log: one file a plugin. data: one directory a plugin.

    development: the DIR of `exod --dev`, whose keeper this process starts and ends; None under a service manager.
    sdk: the directory of the package `exosdk`, as sandboxes will see it. forbidden: places never granted.
    """

    run: Path
    log: Path
    data: Path
    sdk: Path
    development: Path | None = None
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Who instances are, and how often a zygote forks; the defaults are those of exod.toml."""

    uid_first: int = 2147000000
    uid_last: int = 2147065535
    keeper_uid: int = 2146999998
    data_uid: int = 2146999999
    zygote_forks: int = 256
    log_bytes: int = 1 << 20
    log_denials: bool = False


class Host:
    def __init__(self, places: Places, limits: Limits) -> None:
        self.degraded: set[str] = set()
        self._places, self._limits = places, limits
        self._uids = Uids(places.run, first=limits.uid_first, last=limits.uid_last)
        self._logs = Logs(places.log, limit=limits.log_bytes)
        self._cells: dict[int, Cell] = {}
        self._ends: dict[int, asyncio.Event] = {}
        self._on_exit: Callable[[Exit], None] = lambda _: None
        self._on_lost: Callable[[], None] = lambda: None
        self._lease: Lease | None = None
        self._nursery: Nursery | None = None
        self._groups: Groups | None = None
        self._started: development.Started | None = None

    # --- keeper -------------------------------------------------------------------------------------------------------

    async def attach(self, *, on_exit: Callable[[Exit], None], on_lost: Callable[[], None]) -> Sequence[Survivor]:
        """Takes the lease, starting a keeper first if this is development and none answers."""
        self._on_exit, self._on_lost = on_exit, on_lost
        limits, places = self._limits, self._places
        passwd, subuid = Path("/etc/passwd").read_text(), Path("/etc/subuid")
        ranges = subuid.read_text() if subuid.is_file() else ""
        if said := taken(limits.uid_first, limits.uid_last, passwd=passwd, subuid=ranges):
            raise Refused(said)
        self._groups = Groups(place(directory=places.development), keeper=limits.keeper_uid)
        end = self._connect(places.run / "keeper.sock")
        if end is None and places.development is not None:
            await self._groups.end(self._groups.top)
            self._groups.make()
            self._started = development.start(
                places.run, sdk=places.sdk, groups=self._groups.top, uid=limits.keeper_uid
            )
            end = self._connect(places.run / "keeper.sock")
        if end is None:
            sentence = "cannot start: the keeper does not answer"
            raise Refused(Refusal("no-keeper", sentence, "systemctl start exod-keeper", outcome=Outcome.UNREACHABLE))
        self._lease = Lease(end, on_exit=self._exited, on_lost=self._lost)
        held = await self._lease.take()
        self._nursery = Nursery(
            self._lease, block=self._uids.block, group=limits.keeper_uid, forks=limits.zygote_forks, log_denials=limits.log_denials
        )  # fmt: skip
        self._nursery.warm()
        for found in held:
            cell = Cell(
                found.id, pid=found.pid, pidfd=found.pidfd, end=socket.socket(fileno=found.channel), deposited=True
            )
            with contextlib.suppress(FileNotFoundError):
                cell.cgroup = cgroupfs.identity(self._groups.instance(found.id))
            self._cells[found.id] = cell
        return [Survivor(h.id, h.pid, h.nonce, self._cells[h.id].cgroup) for h in held]

    def next_uid(self, *, signer: str = "", level: str = "") -> int:
        """Of the block of that generation's zygote, if the caller says which it will be."""
        return self._uids.next((signer, level))

    def _connect(self, path: Path) -> socket.socket | None:
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            end.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            end.close()
            return None
        return end

    # --- start --------------------------------------------------------------------------------------------------------

    async def prepare(self, launch: Launch) -> None:
        """Everything that can be made before the fork: group, root with the verified bytes, network, pipes."""
        groups, nursery = self._ready()
        confinement = launch.confinement
        key = (confinement.signer, confinement.level)
        cell = self._cells[launch.instance] = Cell(launch.instance, confinement.plugin, launch.uid, key)
        files = tuple(confinement.files)
        granted = grants.open_files(files, forbidden=self._places.forbidden)
        try:
            cell.zygote = await nursery.generation(key, uid=launch.uid)
            group = groups.add(launch.instance)
            cell.cgroup = cgroupfs.identity(group)
            fds = cell.fork_fds
            fds.append(mount.open_tree(mount.AT_FDCWD, str(group), mount.OPEN_TREE_CLONE))
            fds.append(await cell.zygote.network())
            cell.network = os.fstat(fds[-1]).st_ino
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            cell.end = ours
            fds.append(theirs.detach())
            write, cell.drain = self._logs.pipe(confinement.plugin, instance=launch.instance)
            fds.append(write)
            made = await self._root(launch, files)
            fds.append(made.tree)
            fds.append(sealed.scratch(size=_TMP, uid=launch.uid))
            if (state := await self._state(confinement.plugin, launch.uid)) is not None:
                cell.state = True
                fds.append(state)
            cell.files = len(files)
            for tree, target in zip(granted, made.targets, strict=True):
                fds += (tree, target)
            granted = []
        finally:
            grants.close(granted)

    async def spawn(self, launch: Launch) -> Born:
        """Deposit, fork, bind; returns when the instance has said its first word, which is left in the channel."""
        groups, _ = self._ready()
        cell, lease = self._cells[launch.instance], self._lease
        assert lease is not None and cell.zygote is not None and cell.end is not None  # noqa: PT018
        await lease.deposit(launch.instance, nonce=launch.nonce, channel=cell.end.fileno())
        cell.deposited = True
        groups.open_for(launch.instance, uid=cell.zygote.block.first)
        request = frames.request(
            frames.FORK, id_=launch.instance, uid=launch.uid, fds=len(cell.fork_fds), files=cell.files,
            flags=frames.FLAG_STATE if cell.state else 0, nonce=launch.nonce,
        )  # fmt: skip
        try:
            cell.pid, cell.pidfd = await cell.zygote.fork(request, cell.fork_fds)
        except OSError as error:
            raise Refused(_failed(launch, f"fork failed: {error.strerror}")) from error
        finally:
            groups.shut(launch.instance)
            cell.forked()
        await lease.bind(launch.instance, pid=cell.pid, pidfd=cell.pidfd)
        asyncio.get_running_loop().add_reader(cell.pidfd, self._process_ended, launch.instance)
        await self._first_word(launch, cell.end)
        born = Born(cell.pid, cell.cgroup, cell.end)
        cell.end = None
        return born

    async def inspect(self, instance: int) -> Mapping[str, str]:
        groups, _ = self._ready()
        cell, lease = self._cells[instance], self._lease
        assert lease is not None
        mounted = cgroupfs.mountpoint(Path("/proc/self/mounts").read_text())
        group = f"/{groups.instance(instance).relative_to(mounted or '/')}"
        expected = walls.Expected(cell.pid, cell.pidfd, cell.uid, lease.keeper, group, cell.network)
        return walls.inspect(instance, expected)

    async def _root(self, launch: Launch, files: Sequence[str]) -> root.Root:
        if sum(len(content) for content, _ in launch.tree.values()) > _LARGE:
            return await asyncio.to_thread(root.build, launch.tree, files=files)
        return root.build(launch.tree, files=files)

    async def _state(self, plugin: str, uid: int) -> int | None:
        directory = self._places.data / plugin
        if not directory.is_dir():
            return None
        state = await asyncio.to_thread(data.bind, str(directory), data_uid=self._limits.data_uid, uid=uid)
        if state is None:
            self.degraded.add("state: the file system below the data directories has no idmapped mounts")
            sentence = f"cannot start {plugin}: its data lies on a file system without idmapped mounts"
            raise Refused(Refusal("no-idmapped-mounts", sentence, "keep the state on ext4, xfs or btrfs"))
        return state

    async def _first_word(self, launch: Launch, end: socket.socket) -> None:
        """Waits until something can be read, and raises if it is the report of a wall that could not be raised."""
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(end.fileno(), lambda: readable.done() or readable.set_result(None))
        try:
            async with asyncio.timeout(_FIRST_WORD):
                await readable
        except TimeoutError:
            return  # whoever waits for the hello has the deadline
        finally:
            loop.remove_reader(end.fileno())
        word = end.recv(64, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        if not word:
            raise Refused(_failed(launch, "it ended before it said anything"))
        if (failure := frames.failure(word)) is not None:
            step, error = failure
            name = data._spawn.STEPS[step - 1] if 0 < step <= len(data._spawn.STEPS) else str(step)
            raise Refused(_failed(launch, f"wall {name} cannot be raised: {os.strerror(error)}", step=name))

    # --- life ---------------------------------------------------------------------------------------------------------

    async def freeze(self, instance: int) -> None:
        await self._frozen(instance, frozen=True)

    async def thaw(self, instance: int) -> None:
        await self._frozen(instance, frozen=False)

    async def _frozen(self, instance: int, *, frozen: bool) -> None:
        groups, _ = self._ready()
        cgroupfs.freeze(groups.instance(instance), frozen=frozen)
        async with asyncio.timeout(_END_WAIT):
            while bool(cgroupfs.events(groups.instance(instance)).get("frozen")) is not frozen:
                await asyncio.sleep(0.0005)

    def usage(self, instance: int) -> Mapping[str, int]:
        """memory (what it alone uses) and rss in bytes, cpu_usec, tasks; empty for one that is gone."""
        cell = self._cells.get(instance)
        if cell is None or not cell.pid or cell.ended or self._groups is None:
            return {}
        try:
            pages = procfs.memory(cell.pid)
            cpu = cgroupfs.cpu(self._groups.instance(instance)).get("usage_usec", 0)
            tasks = int(procfs.status(cell.pid)["Threads"])
        except (OSError, KeyError):
            return {}
        alone = pages.get("Private_Clean", 0) + pages.get("Private_Dirty", 0)
        return {"memory": alone, "rss": pages.get("Rss", 0), "cpu_usec": cpu, "tasks": tasks}

    def logs(self, plugin: str, lines: int) -> Sequence[str]:
        return self._logs.tail(plugin, lines)

    # --- end ----------------------------------------------------------------------------------------------------------

    async def discard(self, instance: int) -> None:
        """Ends it if it runs, and takes back everything. May be called at any point, twice, or for nothing."""
        cell = self._cells.get(instance)
        if cell is not None:
            cell.ending = True
        if self._groups is not None:
            group = self._groups.instance(instance)
            if group.is_dir():
                cgroupfs.kill(group)
            if cell is not None and cell.pid and not cell.ended:
                await self._exit_told(cell)
            await self._groups.end(group)
        if self._lease is not None:
            with contextlib.suppress(OSError, Refused):
                await self._lease.forget(instance)
        if cell is not None and self._cells.pop(instance, None) is not None:
            self._unwatch(cell)
            cell.close()

    async def _exit_told(self, cell: Cell) -> None:
        event = self._ends.setdefault(cell.instance, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_WAIT * 2):
                await event.wait()
        self._ends.pop(cell.instance, None)

    def _process_ended(self, instance: int) -> None:
        """Our own pidfd fires a little before the keeper's word: EXIT decides, unless it does not come."""
        cell = self._cells[instance]
        self._unwatch(cell)
        asyncio.get_running_loop().call_later(_END_WAIT, self._overdue, cell)

    def _overdue(self, cell: Cell) -> None:
        if cell.ended or self._cells.get(cell.instance) is not cell:
            return
        status = pidfd.pidfd_get_info(cell.pidfd) if cell.pidfd != NONE else None
        if status is None:
            self._ended(cell, "lost", 0)
        elif os.WIFEXITED(status):
            self._ended(cell, "exited", os.WEXITSTATUS(status))
        else:
            self._ended(cell, "signal", os.WTERMSIG(status))

    def _exited(self, frame: Frame) -> None:
        cell = self._cells.get(frame.id)
        if cell is not None and not cell.ended:
            self._ended(cell, "exited" if frame.ref == _EXITED else "signal", frame.aux)

    def _ended(self, cell: Cell, cause: str, status: int) -> None:
        cell.ended = True
        self._unwatch(cell)
        if cell.drain is not None:
            cell.drain.close()
        if (event := self._ends.get(cell.instance)) is not None:
            event.set()
        crashed = cause != "exited" or status != 0
        if crashed and not cell.ending and self._nursery is not None:
            self._nursery.retire(cell.key)
        self._on_exit(Exit(cell.instance, "ended" if cell.ending else cause, status))

    def _unwatch(self, cell: Cell) -> None:
        if cell.pidfd != NONE:
            asyncio.get_running_loop().remove_reader(cell.pidfd)

    def _lost(self) -> None:
        """The keeper is gone: zygotes first, or they would go on forking children of pid 1; then everything."""
        if self._nursery is not None:
            self._nursery.close()
        if self._groups is not None:
            for group in (self._groups.top / "zygotes", self._groups.instances):
                with contextlib.suppress(OSError):
                    cgroupfs.kill(group)
        self._lease = self._nursery = None
        for cell in list(self._cells.values()):
            if cell.pid and not cell.ended:
                self._ended(cell, "lost", 0)
        if self._started is not None:
            self._started.reap()
            self._started = None
        self._on_lost()

    async def close(self) -> None:
        """Under a service manager only lets go of the lease; in development ends keeper and instances. Twice is fine."""
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            nursery.close()
        if self._lease is not None and self._places.development is not None:
            for instance in list(self._cells):
                await self.discard(instance)
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.close()
        if self._places.development is not None and self._groups is not None:
            await self._groups.end(self._groups.top)
            if self._started is not None:
                self._started.reap()
            (self._places.run / "keeper.sock").unlink(missing_ok=True)
        self._started = None
        for cell in self._cells.values():
            self._unwatch(cell)
            cell.close()
        self._cells.clear()
        self._logs.close()

    def _ready(self) -> tuple[Groups, Nursery]:
        if self._groups is None or self._nursery is None:
            raise Refused(Refusal("keeper-lost", "cannot reach the keeper: it is gone", outcome=Outcome.FAILED))
        return self._groups, self._nursery


def _failed(launch: Launch, reason: str, **evidence: str) -> Refusal:
    what = f"cannot start {launch.confinement.plugin} {launch.confinement.version}: {reason}"
    evidence["instance"] = str(launch.instance)
    return Refusal("sandbox-failed", what, "exoctl plugin logs", evidence, Outcome.FAILED)
