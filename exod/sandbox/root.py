"""Verified bytes → an instance's root: /plugin with exactly those bytes, and places for what will be mounted.

The bytes come from the verified package in memory and are opened by no path; nobody can write them afterwards.
"""

import os
from collections.abc import Mapping, Sequence

from exod.linux import mount
from exod.sandbox.sealed import QUIET, Superblock, room_for

STDLIB = os.path.dirname(os.__file__).lstrip("/")
SDK = "run/exod/sdk"
"""The same places as in the zygote, whose imports must go on working in its children."""
_ATTRIBUTES = QUIET | mount.MOUNT_ATTR_NOEXEC | mount.MOUNT_ATTR_NOSYMFOLLOW


class Root:
    """The detached mount, and a descriptor for every place where a granted file will be bound."""

    def __init__(self, tree: int, targets: list[int]) -> None:
        self.tree, self.targets = tree, targets

    def close(self) -> None:
        for descriptor in (self.tree, *self.targets):
            os.close(descriptor)
        self.targets = []


def build(tree: Mapping[str, tuple[bytes, bool]], *, files: Sequence[str], state: bool = False) -> Root:
    """`tree` below /plugin; `files` (absolute paths) become empty files to bind over; /state if there is one."""
    superblock = Superblock(
        size=room_for([len(data) for data, _ in tree.values()] + [0] * len(files)), attributes=_ATTRIBUTES
    )
    targets: list[int] = []
    try:
        for place in ("plugin", "tmp", STDLIB, SDK, *(["state"] if state else [])):
            superblock.directory(place)
        for path, (data, _) in tree.items():
            superblock.write(f"plugin/{path}", data)
        for path in files:
            superblock.write(path.lstrip("/"), b"")
        flags = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW
        for path in files:
            targets.append(os.open(path.lstrip("/"), flags, dir_fd=superblock.mount))  # noqa: PERF401
        return Root(superblock.seal(), targets)
    except BaseException:
        superblock.close()
        for descriptor in targets:
            os.close(descriptor)
        raise
