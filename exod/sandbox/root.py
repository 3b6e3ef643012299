"""Verified bytes → an instance's root: /plugin with exactly those bytes, and places for what will be mounted.

The bytes come from the verified package in memory and are opened by no path; nobody can write them afterwards.
"""

import os
from collections.abc import Mapping

from exod.linux.descriptors import close
from exod.linux.mount import MOUNT_ATTR_NOEXEC
from exod.package.archive import Tree
from exod.sandbox.sealed import PLAIN, Superblock, room_for

STDLIB = os.path.dirname(os.__file__).lstrip("/")
SDK = "run/exod/sdk"
"""The same places as in the zygote, whose imports must go on working in its children."""


def build(
    tree: Tree, *, places: Mapping[str, bool], state: bool = False, sealed: bool = True, native: bool = False
) -> tuple[int, list[int]]:
    """`tree` below /plugin; /state if there is one. `places`, to bind over: absolute path → whether it is a directory.
    native: `tree` may be mapped to be executed; nothing that can be written lies on this mount.

    The detached mount, and a descriptor for each of `places`.
    """
    size = room_for([len(data) for data, _ in tree.values()] + [0] * len(places))
    superblock = Superblock(size=size, attributes=PLAIN & ~MOUNT_ATTR_NOEXEC if native else PLAIN)
    targets: list[int] = []
    try:
        for place in ("plugin", "tmp", STDLIB, SDK, *(["state"] if state else [])):
            superblock.directory(place)
        for path, (data, _) in tree.items():
            superblock.write(f"plugin/{path}", data)
        for path, directory in places.items():
            superblock.directory(path[1:]) if directory else superblock.write(path[1:], b"")
        flags = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW
        for path in places:
            targets.append(os.open(path[1:], flags, dir_fd=superblock.mount))  # noqa: PERF401
        return superblock.seal() if sealed else superblock.take(), targets
    except BaseException:
        superblock.close()
        close(targets)
        raise
