"""Launch → cell → instance: everything made before the fork, the fork, and the first word. Undone by discarding.

Blocks the loop for well under a millisecond at a time; what may take longer (a large package) runs in a thread. The
keeper's answers are awaited after the work beside them, for each costs two switches of processes.
"""

import asyncio
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused
from exod.linux import cgroupfs, mount
from exod.linux.descriptors import close
from exod.package.limits import SIZE_MAX
from exod.plan.confine import LAYERS, Layer
from exod.sandbox import _spawn, data, frames, root, sealed, seccomp
from exod.sandbox.cell import Cell
from exod.sandbox.groups import Groups
from exod.sandbox.launch import Domain, Grants, Holder, Launch, Logs, Wires
from exod.sandbox.lease import Lease
from exod.sandbox.nursery import Nursery

LARGE = 1 << 18
"""Packages above this many bytes are written in a thread."""
TMP = 4 << 20
FIRST_WORD = 5.0
ORDER = ("cgroup", "network", "channel", "log", "root", "tmp", "state", "domain")
"""The descriptors of a fork, as _walls.h has them: the last two only where there is one, the files after them."""


@dataclass(frozen=True, slots=True)
class Ward:
    """What births need while the keeper's lease lasts. data: one directory a plugin. grants: opens what is granted."""

    lease: Lease
    nursery: Nursery
    groups: Groups
    logs: Logs
    data: Path
    data_uid: int
    grants: Grants
    holder: Holder
    domain: Domain
    wires: Wires


async def prepare(ward: Ward, cell: Cell, launch: Launch) -> None:
    """Group, network, log, root with the verified bytes; the channel lies at the keeper when this returns."""
    confinement, plugin = launch.confinement, launch.confinement.plugin
    cell.granted = await _granted(ward, launch)
    cell.end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.bind(b"")  # it has a name, and can be given no other: abstract ones are of the host's network namespace
    cell.fork["channel"] = theirs.detach()
    log, cell.fork["log"] = os.pipe2(os.O_CLOEXEC)
    cell.drain = ward.logs.drain(plugin, log, instance=launch.instance)
    deposited = ward.lease.deposit(launch.instance, nonce=launch.nonce, channel=cell.end.fileno(), log=log)
    group = ward.groups.add(launch.instance)
    ward.holder.hold(group, launch.confinement.limits)
    cell.cgroup = cgroupfs.identity(group)
    cell.fork["cgroup"] = mount.open_tree(mount.AT_FDCWD, str(group), mount.OPEN_TREE_CLONE)
    cell.fork["tmp"] = sealed.scratch(size=TMP, uid=launch.uid)
    state = (ward.data / plugin).is_dir()
    cell.fork["root"], cell.targets = await _root(launch, cell.granted, state=state)
    if state:
        cell.fork["state"] = _state(ward, plugin, uid=launch.uid)
    writable = [cell.fork[name] for name in ("tmp", "state") if name in cell.fork]
    ruleset = ward.domain(cell.fork["root"], writable + cell.granted[len(confinement.files) :], confinement)
    if ruleset is not None:
        cell.fork["domain"] = ruleset
    await _find_zygote(ward, cell, launch)
    await ward.lease.answered(deposited)


async def spawn(ward: Ward, cell: Cell, launch: Launch) -> None:
    """Returns when the instance has said its first word, which is left in the channel, and the keeper has its pidfd."""
    if cell.zygote is None or cell.end is None or "root" not in cell.fork:
        raise Refused(_failed(launch, "it was not prepared"))
    while not cell.zygote.alive:  # instances of the same generation crash meanwhile, and of the one after it
        cell.zygote.forgotten(launch.instance)
        await _find_zygote(ward, cell, launch)
    fds = [cell.fork[name] for name in ORDER if name in cell.fork]
    for pair in zip(cell.granted, cell.targets, strict=True):
        fds += pair
    most, native = launch.confinement.limits, "native" in launch.confinement.permissions
    flags = ("state" in cell.fork) * frames.FLAG_STATE | ("domain" in cell.fork) * frames.FLAG_DOMAIN
    request = frames.request(
        frames.FORK,
        id_=launch.instance,
        uid=launch.uid,
        fds=len(fds),
        files=len(cell.granted),
        flags=flags | native * frames.FLAG_NATIVE,
        nonce=launch.nonce,
        without=sum(1 << layer for layer in LAYERS - launch.confinement.layers),
        profile=seccomp.profile(launch.confinement.permissions, reads=bool(launch.confinement.files)),
        bounds=(most.files, most.tasks, most.memory, SIZE_MAX if launch.confinement.writable else most.storage),
    )
    ward.groups.open_for(launch.instance, uid=cell.zygote.block.first)
    try:
        cell.pid, cell.pidfd = await cell.zygote.fork(launch.instance, request, fds, loads=native)
    except OSError as error:
        raise Refused(_failed(launch, f"fork failed: {error.strerror}")) from error
    finally:
        ward.groups.shut(launch.instance)
        cell.forked()
    bound = ward.lease.bind(launch.instance, pid=cell.pid, pidfd=cell.pidfd)
    await _first_word(launch, cell.end)
    await ward.lease.answered(bound)


async def loaded(cell: Cell) -> None:
    """No more machine code. Only the zygote that forked it has a right over its mounts."""
    assert cell.zygote is not None
    try:
        await cell.zygote.loaded(cell.pid, cell.pidfd)
    except OSError as error:
        sentence = f"cannot end the loading of machine code of {cell.plugin}: {error.strerror}"
        raise Refused(Refusal("sandbox-failed", sentence, outcome=Outcome.FAILED)) from error
    cell.zygote.forgotten(cell.instance)
    cell.inert = True


async def _granted(ward: Ward, launch: Launch) -> list[int]:
    """In a thread where there are any: a path may lead to a file system that does not answer."""
    confinement = launch.confinement
    if not (confinement.files or confinement.writable):
        return []
    opening = asyncio.to_thread(ward.grants, confinement, partial(data.lend, uid=launch.uid))
    opened = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(opened)
    except asyncio.CancelledError:
        opened.add_done_callback(lambda late: None if late.exception() else close(late.result()))
        raise


async def _find_zygote(ward: Ward, cell: Cell, launch: Launch) -> None:
    """Whose child the instance will be, and a network that belongs to its users."""
    cell.zygote = await ward.nursery.generation(cell.key, uid=launch.uid)
    close([cell.fork.pop("network")] if "network" in cell.fork else [])
    cell.fork["network"] = await cell.zygote.network()
    cell.network = os.fstat(cell.fork["network"]).st_ino
    await ward.wires.connect(launch.instance, launch.confinement, cell.fork["network"])


async def _root(launch: Launch, granted: Sequence[int], *, state: bool) -> tuple[int, list[int]]:
    confinement = launch.confinement
    sealed_, native = Layer.SEALED in confinement.layers, "native" in confinement.permissions
    kinds = [stat.S_ISDIR(os.fstat(tree).st_mode) for tree in granted]
    places = dict(zip((*confinement.files, *confinement.writable), kinds, strict=True))
    build = partial(root.build, launch.tree, places=places, state=state, sealed=sealed_, native=native)
    large = sum(len(content) for content, _ in launch.tree.values()) > LARGE
    return await asyncio.to_thread(build) if large else build()


def _state(ward: Ward, plugin: str, *, uid: int) -> int:
    tree = data.bind(str(ward.data / plugin), data_uid=ward.data_uid, uid=uid)
    if tree is None:
        sentence = f"cannot start {plugin}: its data lies on a file system without idmapped mounts"
        raise Refused(Refusal("no-idmapped-mounts", sentence, "keep the state on ext4, xfs or btrfs"))
    return tree


async def _first_word(launch: Launch, end: socket.socket) -> None:
    """Waits until something can be read, and raises if it is the report of a wall that could not be raised."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(end.fileno(), readable.set)
    try:
        async with asyncio.timeout(FIRST_WORD):
            await readable.wait()
    except TimeoutError:
        return  # whoever waits for the hello has the deadline
    finally:
        loop.remove_reader(end.fileno())
    word = end.recv(64, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    if not word:
        raise Refused(_failed(launch, "it ended before it said anything"))
    if (failure := frames.failure(word)) is not None:
        step, error = failure
        name = _spawn.STEPS[step - 1] if 0 < step <= len(_spawn.STEPS) else str(step)
        raise Refused(_failed(launch, f"the wall {name} does not stand: {os.strerror(error)}", wall=name))


def _failed(launch: Launch, reason: str, **evidence: str) -> Refusal:
    what = f"cannot start {launch.confinement.plugin} {launch.confinement.version}: {reason}"
    evidence["instance"] = str(launch.instance)
    return Refusal("sandbox-failed", what, "exoctl plugin logs", evidence, Outcome.FAILED)
