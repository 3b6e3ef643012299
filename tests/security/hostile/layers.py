"""The names of all that stops an attempt: the layers of an instance, and what exod, keeper and zygote add around it.

A name → how it is left out. The product has no such switch: the first kind travels in a Confinement that only tests
build, the second is taken away here, on exod's side or in the zygote of a test.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from unittest import mock

from exod.brokers.files.steps import READ_ONLY, open_paths
from exod.brokers.network.own import rules
from exod.brokers.resources.kernel import Kernel
from exod.linux import mount
from exod.linux.descriptors import opened
from exod.plan.confine import Confinement, Layer
from exod.sandbox import birth, data, development, nursery, root, sealed
from exod.sandbox.generation import Zygote
from exod.sandbox.launch import Lend
from tests.exod.brokers.network.own import apart

WITHIN = {layer.name.lower().replace("_", "-"): layer for layer in Layer}
"""What the child raises itself, in the order of the request's bits."""

ZYGOTES = ("zygote", "fresh")
"""Of the zygote itself: the walls of its own, and that it was executed anew with nothing of its parents."""

MEANING = {
    "signals": "a session of its own; signal dispositions, masks and timers reset",
    "pids": "its own process numbers",
    "ipc": "its own System V and POSIX IPC",
    "host-name": "its own host name",
    "cgroups": "its own view of control groups",
    "network": "an empty network of its own",
    "mounts": "its own mounts",
    "root": "its own root, the old one detached",
    "sealed": "its code in a superblock that nobody can write",
    "limits": "resource limits",
    "keyring": "a session keyring of its own",
    "own-uid": "a uid that nobody else has",
    "users": "its own user namespace, in which one id exists",
    "capabilities": "no Linux capability, and none to be had",
    "descriptors": "no descriptor but its four",
    "no-new-privileges": "no rights through an execution",
    "no-new-code": "memory that was written is never executed (Linux 6.3)",
    "landlock": "a Landlock domain: files, TCP, abstract sockets and signals",
    "seccomp": "the system call filter",
    "zygote": "what keeper and zygote have themselves: root, network, IPC, no_new_privs",
    "fresh": "keeper and zygote are executed with no environment and none of exod's memory",
    "generation": "an instance that crashed comes back with another memory layout",
    "owner": "its code belongs to root and is read-only by its mode",
    "no-exec": "its mounts execute nothing",
    "tmp": "a /tmp of its own, of a fixed size",
    "grants": "what is granted is a plain file, reached by no link, of no kernel file system",
    "read-only": "what is granted is mounted read-only, without devices",
    "loaded": "its own machine code is executable only until all of it is loaded",
    "host-rules": "the host's rules at its end of a network of the plugin's own",
    "own-rules": "the host's rules in the plugin's network namespace",
}


def within(names: Iterable[str]) -> list[Layer]:
    return [WITHIN[name] for name in names if name in WITHIN]


@contextlib.contextmanager
def left_out(names: Iterable[str]) -> Iterator[None]:
    """Takes away what stands on exod's side, while one attempt is made."""
    with contextlib.ExitStack() as stack:
        for name in names:
            for patch in _OUTSIDE.get(name, tuple)():
                stack.enter_context(patch)
        yield


@contextlib.contextmanager
def around_the_keeper(names: Iterable[str]) -> Iterator[None]:
    """While a keeper is started. Nobody below it has what its no_new_privs forbids, whatever an instance leaves out."""
    command = development.command

    def without(*arguments: str, function: str = "main") -> list[str]:
        start = command(*arguments, function=function)
        at = start.index("-c") + 1
        start[at] = start[at].replace("from exod.", f"{_NO_NEW_PRIVS}; from exod.", 1)
        return start

    with mock.patch.object(development, "command", without) if "zygote" in names else contextlib.nullcontext():
        yield


_NO_NEW_PRIVS = (
    "from exod.linux import syscall; prctl = syscall.prctl;"
    " syscall.prctl = lambda option, *rest: None if option == 38 else prctl(option, *rest)"
)


def open_rules(names: Iterable[str], process: int, network_range: str) -> None:
    """As if nobody had written them: whoever is started next with a network of its own has the host's anew."""
    table = rules.table(IPv4Network(network_range))
    if "own-rules" in names:
        with opened(os.open("/proc/self/ns/net", os.O_RDONLY)) as home, opened(_namespace(process)) as network:
            apart.Place(home).within(network, lambda: apart.drop_table(table))
    if "host-rules" in names:
        apart.drop_table(table)


def _namespace(process: int) -> int:
    return os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _no_exec() -> tuple[Any, ...]:
    return (
        mock.patch.object(sealed, "INERT", sealed.QUIET),
        mock.patch.object(root, "PLAIN", sealed.QUIET),
        mock.patch.object(data, "PLAIN", sealed.QUIET),
    )


def _owner() -> tuple[Any, ...]:
    write, directory = sealed.Superblock.write, sealed.Superblock.directory

    def everybodys(self: sealed.Superblock, path: str, data: bytes, *, mode: int = 0, time: int | None = None) -> None:
        write(self, path, data, mode=0o666 | mode, time=time)

    def open_to_all(self: sealed.Superblock, path: str) -> None:
        directory(self, path)
        os.chmod(path or ".", 0o777, dir_fd=self.mount)

    return (
        mock.patch.object(sealed.Superblock, "write", everybodys),
        mock.patch.object(sealed.Superblock, "directory", open_to_all),
    )


def granted(confinement: Confinement, lend: Lend, *, without: frozenset[str]) -> list[int]:
    """As the daemon opens what is granted, or as one would that follows links, asks nothing, or forbids less."""
    if "grants" in without:
        trees = [_followed(path) for path in confinement.files]
    else:
        trees = open_paths(confinement, lend)
    freed = mount.MOUNT_ATTR_RDONLY | mount.MOUNT_ATTR_NODEV if "read-only" in without else 0
    freed |= mount.MOUNT_ATTR_NOEXEC if "no-exec" in without else 0
    for tree in trees if freed else ():
        mount.mount_setattr(tree, clear=freed)
    return trees


def _followed(path: str) -> int:
    with opened(os.open(path, os.O_PATH | os.O_CLOEXEC)) as place:
        tree = mount.open_tree(place, "", mount.OPEN_TREE_CLONE | mount.AT_EMPTY_PATH)
    mount.mount_setattr(tree, set_=READ_ONLY, propagation=mount.MS_PRIVATE)
    return tree


def _zygote() -> tuple[Any, ...]:
    """One that stayed in the host's network cannot make others; a child of it has one, see planted.py."""

    async def network(self: Zygote) -> int:
        return _kept_network(self.pid)

    return mock.patch.object(Zygote, "network", network), mock.patch.object(Zygote, "_fill", return_value=None)


def _kept_network(zygote: int) -> int:
    [child] = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
    while os.readlink(f"/proc/{child}/ns/net") == os.readlink("/proc/self/ns/net"):
        os.sched_yield()
    return os.open(f"/proc/{child}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _generation() -> tuple[Any, ...]:
    """One that a crash happened in goes on; whatever else ends one still does."""
    retire = nursery.Nursery.retire

    def kept(self: nursery.Nursery, key: nursery.Key, *, of: Zygote | None = None) -> None:
        if of is None:
            retire(self, key)

    return (mock.patch.object(nursery.Nursery, "retire", kept),)


_OUTSIDE: dict[str, Callable[[], tuple[Any, ...]]] = {
    "generation": _generation,
    "zygote": _zygote,
    "owner": _owner,
    "no-exec": _no_exec,
    "tmp": lambda: (mock.patch.object(birth, "TMP", 64 << 20),),
    # Those of its control group stand outside of it, on hosts that have controllers.
    "limits": lambda: (mock.patch.object(Kernel, "hold", return_value=None),),
}
