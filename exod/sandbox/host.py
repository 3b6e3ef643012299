"""The real Sandbox: Launch → instance → nothing, over keeper, zygotes, cgroups, mounts and pipes.

Every step may fail at any point, and `discard` takes back whatever was done. Refuses to begin on a host that lacks what
the floor of walls needs. Blocks the loop for well under a millisecond at a time.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused
from exod.linux import cgroupfs, pidfd, procfs
from exod.sandbox import birth, development, walls
from exod.sandbox.birth import Ward
from exod.sandbox.cell import NONE, Cell
from exod.sandbox.frames import Frame
from exod.sandbox.generation import Zygote
from exod.sandbox.groups import Groups, place, settled
from exod.sandbox.launch import Born, Domain, Exit, Grants, Holder, Launch, Logs, Survivor, Wires
from exod.sandbox.lease import Held, Lease, lost
from exod.sandbox.nursery import Nursery
from exod.sandbox.uids import Uids, taken
from exod.settings import Settings

_EXITED = 1
"""CLD_EXITED of waitid(2)"""
PATIENCE = 1.0
"""Seconds that the keeper may take to tell how a process ended that is seen to have ended."""


@dataclass(frozen=True, slots=True)
class Places:
    """run: sockets and counters of this boot. logs: who empties the pipes. data: one directory a plugin.

    sdk: the directory of the package `exosdk`, as sandboxes will see it. grants: who opens what was granted. domain:
    who says it to Landlock. wires: who lays networks of instances' own. development: the DIR of `exod --dev`, whose
    keeper this process starts and ends; None under a service manager.
    """

    run: Path
    logs: Logs
    data: Path
    sdk: Path
    grants: Grants
    domain: Domain
    wires: Wires
    development: Path | None = None


class Host:
    """`settings`: who instances are, and when zygotes are replaced."""

    def __init__(self, places: Places, settings: Settings, holder: Holder) -> None:
        self._places, self._settings, self._holder = places, settings, holder
        self._uids = Uids(places.run, first=settings.uid_first, last=settings.uid_last)
        self._cells: dict[int, Cell] = {}
        self._on_exit: Callable[[Exit], None] = lambda _: None
        self._on_lost: Callable[[], None] = lambda: None
        self._ward: Ward | None = None
        self._groups: Groups | None = None
        self._keeper = 0

    # --- keeper -------------------------------------------------------------------------------------------------------

    async def attach(self, *, on_exit: Callable[[Exit], None], on_lost: Callable[[], None]) -> Sequence[Survivor]:
        """Takes the lease, starting a keeper first if this is development and none answers."""
        self._on_exit, self._on_lost = on_exit, on_lost
        self._check_uids()
        groups = self._groups = Groups(place(directory=self._places.development), keeper=self._settings.keeper_uid)
        try:
            lease, held = await self._take()
        except Refused as refused:
            if self._places.development is None or refused.refusal.code == "lease-held":
                raise
            await self._start_keeper(groups)
            lease, held = await self._take()
        else:
            await groups.renew_zygotes(keeper=lease.keeper)
        self._holder.begin(groups.top, groups.instances)
        self._ward = self._open_ward(lease, groups)
        self._ward.nursery.warm()
        return [self._survivor(found, groups, epoch=lease.epoch) for found in held]

    async def _take(self) -> tuple[Lease, Sequence[Held]]:
        """Of a keeper that answers. Its socket may outlive it for a moment, in a zygote that is just being started."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            end.connect(str(self._places.run / "keeper.sock"))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            end.close()
            sentence, hint = "cannot reach the keeper: it does not answer", "systemctl start exod-keeper"
            raise Refused(Refusal("no-keeper", sentence, hint, outcome=Outcome.UNREACHABLE)) from error
        lease = Lease(end, on_exit=self._exited, on_lost=self._lost)
        try:
            return lease, await lease.take()
        except BaseException:
            lease.close()
            raise

    async def _start_keeper(self, groups: Groups) -> None:
        await groups.end(groups.top)
        groups.make()
        uid = self._settings.keeper_uid
        self._keeper = development.start(self._places.run, sdk=self._places.sdk, groups=groups.top, uid=uid)

    def _check_uids(self) -> None:
        passwd, subuid = Path("/etc/passwd"), Path("/etc/subuid")
        ranges = subuid.read_text() if subuid.is_file() else ""
        first, last = self._settings.uid_first, self._settings.uid_last
        if refusal := taken(first, last, passwd=passwd.read_text(), subuid=ranges):
            raise Refused(refusal)

    def _open_ward(self, lease: Lease, groups: Groups) -> Ward:
        settings, places = self._settings, self._places
        nursery = Nursery(lease, uids=self._uids, group=settings.keeper_uid, forks=settings.zygote_forks)
        rest = (settings.data_uid, places.grants, self._holder, places.domain, places.wires)
        return Ward(lease, nursery, groups, places.logs, places.data, *rest)

    def _survivor(self, found: Held, groups: Groups, *, epoch: int) -> Survivor:
        end = socket.socket(fileno=found.channel)
        cell = Cell(found.id, pid=found.pid, pidfd=found.pidfd, end=end, log=found.log)
        with contextlib.suppress(FileNotFoundError):
            cell.cgroup = cgroupfs.identity(groups.instance(found.id))
        self._cells[found.id] = cell
        return Survivor(found.id, found.pid, found.nonce, cell.cgroup, epoch)

    async def renew_keeper(self) -> None:
        """In place: same process, same children, same descriptors, on the code that is installed now."""
        ward = self._open()
        if self._places.development is None:
            sentence = "cannot renew the keeper: systemd started it"
            raise Refused(Refusal("not-our-keeper", sentence, "systemctl reload exod-keeper", outcome=Outcome.FAILED))
        await development.renew(self._places.run, sdk=self._places.sdk, keeper=ward.lease.keeper)
        ward.nursery.renew()

    # --- start --------------------------------------------------------------------------------------------------------

    def next_uid(self, *, signer: str, level: str) -> int:
        """Of the block of that generation's zygote, if the caller says which it will be."""
        return self._uids.next((signer, level))

    async def prepare(self, launch: Launch) -> None:
        confinement = launch.confinement
        cell = Cell(launch.instance, confinement.plugin, launch.uid, (confinement.signer, confinement.level))
        cell.layers = confinement.layers
        self._cells[launch.instance] = cell
        await birth.prepare(self._open(), cell, launch)

    async def spawn(self, launch: Launch) -> Born:
        cell = self._cell(launch.instance)
        ward = self._open()
        await birth.spawn(ward, cell, launch)
        ward.nursery.provide(cell.key)
        return self._watched(cell)

    def adopt(self, launch: Launch) -> Born:
        cell, confinement = self._cell(launch.instance), launch.confinement
        if cell.end is None or cell.ended.is_set():
            sentence = f"cannot take over instance {launch.instance}: it has ended"
            raise Refused(Refusal("instance-lost", sentence, outcome=Outcome.FAILED))
        self._places.wires.adopt(launch.instance, confinement)
        cell.plugin, cell.uid, cell.key = confinement.plugin, launch.uid, (confinement.signer, confinement.level)
        cell.layers, cell.inert = confinement.layers, "native" in confinement.permissions
        cell.network = procfs.namespaces(cell.pid)["net"]  # which one it was given died with who gave it
        ward = self._open()  # what bounds it may have come to this host, or into this exod, after it was born
        ward.holder.hold(ward.groups.instance(cell.instance), confinement.limits)
        cell.drain, cell.log = self._places.logs.drain(cell.plugin, cell.log, instance=cell.instance), NONE
        ward.nursery.provide(cell.key)
        return self._watched(cell)

    def _watched(self, cell: Cell) -> Born:
        """Gives its channel's end away; from here on its own end is told."""
        assert cell.end is not None
        if not cell.ended.is_set():
            asyncio.get_running_loop().add_reader(cell.pidfd, self._process_ended, cell)
        born, cell.end = Born(cell.pid, cell.cgroup, cell.end), None
        return born

    async def inspect(self, instance: int) -> Mapping[str, str]:
        ward, cell = self._open(), self._cell(instance)
        group = ward.groups.path(instance)
        keeper, layers = ward.lease.keeper, cell.layers
        had = cell.zygote.filters if cell.zygote is not None else procfs.filters(keeper)
        seen = (cell.network, layers, cell.inert, had)
        expected = walls.Expected(cell.pid, cell.pidfd, cell.uid, keeper, group, *seen)
        return {**walls.inspect(instance, expected), **self._places.wires.shown(instance)}

    async def loaded(self, instance: int) -> Mapping[str, str]:
        await birth.loaded(self._cell(instance))
        return await self.inspect(instance)

    # --- life ---------------------------------------------------------------------------------------------------------

    def frozen(self, instance: int) -> bool:
        """Whether it was told to be: one that stirs yet will not for long."""
        return cgroupfs.is_frozen(self._open().groups.instance(instance))

    async def freeze(self, instance: int, *, frozen: bool) -> None:
        group = self._open().groups.instance(instance)
        cgroupfs.freeze(group, frozen=frozen)
        await settled(lambda: bool(cgroupfs.events(group)["frozen"]) is frozen, seconds=PATIENCE, what=str(group))

    def group(self, instance: int) -> Path:
        """Where its cgroup lies, once somebody took the lease."""
        assert self._groups is not None
        return self._groups.instance(instance)

    def zygotes(self) -> Sequence[tuple[str, str, str, int, int]]:
        """Signer, level, what for (in-use, next; spare: for anybody), pid, bytes of its own; forks may share them."""
        kept = self._ward.nursery.zygotes() if self._ward is not None else ()
        return [(*key, role, one.pid, memory) for key, role, one in kept if (memory := _own_memory(one))]

    def logs(self, plugin: str, lines: int) -> Sequence[str]:
        return self._places.logs.tail(plugin, lines)

    # --- end ----------------------------------------------------------------------------------------------------------

    async def discard(self, instance: int) -> None:
        """Ends it if it runs, and takes back everything. May be called at any point, twice, or for nothing."""
        cell = self._cells.get(instance) or Cell(instance)
        cell.ending = True
        if self._groups is not None:
            group = self._groups.instance(instance)
            with contextlib.suppress(FileNotFoundError):
                cgroupfs.kill(group)
            if self._ward is not None and cell.pid:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2 * PATIENCE):
                        await cell.ended.wait()
            await self._groups.end(group)
        await self._places.wires.disconnect(instance)
        if self._ward is not None:
            with contextlib.suppress(OSError, Refused):
                await self._ward.lease.forget(instance)
        self._unwatch(cell)
        cell.close()
        self._cells.pop(instance, None)

    def _process_ended(self, cell: Cell) -> None:
        """Our own pidfd fires a little before the keeper's word: EXIT decides, unless it does not come."""
        self._unwatch(cell)
        asyncio.get_running_loop().call_later(PATIENCE, self._overdue, cell)

    def _overdue(self, cell: Cell) -> None:
        if cell.ended.is_set() or cell.pidfd == NONE:
            return
        status = pidfd.pidfd_get_info(cell.pidfd)
        if status is None:
            self._ended(cell, "lost", 0)
        elif os.WIFEXITED(status):
            self._ended(cell, "exited", os.WEXITSTATUS(status))
        else:
            self._ended(cell, "signal", os.WTERMSIG(status))

    def _exited(self, frame: Frame) -> None:
        cell = self._cells.get(frame.id)
        cause = "exited" if frame.ref == _EXITED else "seccomp" if frame.aux == signal.SIGSYS else "signal"
        if cause == "signal" and self._holder.starved(self.group(frame.id)):
            cause = "oom"
        if cell is None:
            self._on_exit(Exit(frame.id, cause, frame.aux))  # before we took the lease
        elif not cell.ended.is_set():
            self._ended(cell, cause, frame.aux)

    def _ended(self, cell: Cell, cause: str, status: int) -> None:
        cell.ended.set()
        self._unwatch(cell)
        if cell.drain is not None:
            cell.drain.close()
        crashed = cause != "exited" or status != 0
        if crashed and not cell.ending and cell.zygote is not None and self._ward is not None:
            self._ward.nursery.retire(cell.key, of=cell.zygote)
        self._on_exit(Exit(cell.instance, "ended" if cell.ending and cause != "oom" else cause, status))

    def _unwatch(self, cell: Cell) -> None:
        if cell.pidfd != NONE:
            asyncio.get_running_loop().remove_reader(cell.pidfd)

    def _lost(self) -> None:
        """The keeper is gone: zygotes first, or they would go on forking children of pid 1; then everything."""
        ward, self._ward = self._ward, None
        if ward is None:
            return  # whoever is taking the lease is told
        ward.nursery.close()
        if self._groups is not None:
            for group in (self._groups.top / "zygotes", self._groups.instances):
                with contextlib.suppress(OSError):
                    cgroupfs.kill(group)
        for cell in list(self._cells.values()):
            if cell.pid and not cell.ended.is_set():
                self._ended(cell, "lost", 0)
        self._reap_keeper()
        self._on_lost()

    async def close(self, *, ending: bool) -> None:
        """Lets go of the lease; `ending`: of every instance first. A keeper that no service manager started goes when
        it keeps nothing. Twice is fine.
        """
        if self._ward is not None and ending:
            for instance in list(self._cells):
                await self.discard(instance)
        ward, self._ward = self._ward, None
        if ward is not None:
            ward.nursery.close()
            ward.lease.close()
        idle = ward is not None and not self._cells
        if self._groups is not None and self._places.development is not None and (ending or idle):
            await self._groups.end(self._groups.top)
            (self._places.run / "keeper.sock").unlink(missing_ok=True)
            self._reap_keeper()
        for cell in self._cells.values():
            self._unwatch(cell)
            cell.close()
        self._cells.clear()
        self._places.logs.close()

    def _reap_keeper(self) -> None:
        """Of development, once it was killed: a zombie would keep the group's last reference."""
        if self._keeper:
            os.waitpid(self._keeper, 0)
        self._keeper = 0

    def _open(self) -> Ward:
        if self._ward is None:
            raise lost()
        return self._ward

    def _cell(self, instance: int) -> Cell:
        if instance not in self._cells:
            sentence = f"cannot find instance {instance}: it was not prepared"
            raise Refused(Refusal("no-instance", sentence, outcome=Outcome.NOT_FOUND))
        return self._cells[instance]


def _own_memory(zygote: Zygote) -> int:
    """0 of one that is gone."""
    with contextlib.suppress(OSError):
        anonymous = int(procfs.status(zygote.pid).get("RssAnon", "0 kB").split()[0]) << 10
        return anonymous if zygote.alive else 0  # asked last: its number may have become another's
    return 0
