"""THREATS 37: the verified tree cannot be written, through no mount, descriptor or sibling."""

import os

import pytest

from exod.linux import mount
from exod.linux.descriptors import close
from exod.sandbox import root
from tests.exod.sandbox.rig import TREE, Rig


def test_no_mount_of_the_superblock_can_be_written_even_by_root() -> None:
    built, _ = root.build(TREE, places={})
    trees = [built, mount.open_tree(built, "", mount.OPEN_TREE_CLONE | mount.AT_EMPTY_PATH)]
    for tree in trees:
        mount.mount_setattr(tree, clear=mount.MOUNT_ATTR_RDONLY)
        with pytest.raises(OSError, match="Read-only"):
            os.open("plugin/code/hello.py", os.O_WRONLY, dir_fd=tree)
        with pytest.raises(OSError, match="Read-only"):
            os.utime("plugin/code/hello.py", dir_fd=tree)
        with pytest.raises(OSError, match="Read-only"):
            os.unlink("plugin/code/hello.py", dir_fd=tree)
    close(trees)


async def test_an_instance_cannot_change_its_own_code(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        for attempt in (
            "open('/plugin/code/hello.py', 'r+')",
            "open('/plugin/code/new.py', 'w')",
            "os.unlink('/plugin/code/hello.py')",
            "os.rename('/plugin/code/hello.py', '/plugin/code/x.py')",
            "os.chmod('/plugin/code/hello.py', 0o777)",
            "open('/run/exod/sdk/exosdk/runner.py', 'r+')",
            "open('/usr/lib/python3.11/os.py', 'r+')",
            "os.mkdir('/etc')",
        ):
            assert peer.ask(attempt).startswith(("!OSError(30", "!PermissionError")), attempt


async def test_siblings_of_one_package_share_no_superblock(rig: Rig) -> None:
    first, second = await rig.start(1), await rig.start(2)
    with first.end, second.end:
        assert first.ask("os.stat('/plugin').st_dev") != second.ask("os.stat('/plugin').st_dev")
