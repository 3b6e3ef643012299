"""A plugin's data directory → a detached mount in which the instance owns what one data uid owns on disk.

Idmapped, so no file ever belongs to a uid that is thrown away with its instance. Where the file system cannot do that,
the caller is told (`None`), and the start is refused rather than the files given to the instance: a chown would leave
behind, after a crash, files of a uid that a later boot hands to somebody else.
"""

import errno
import os

from exod.linux import mount
from exod.linux.descriptors import opened
from exod.linux.openat2 import RESOLVE_NO_SYMLINKS, openat2
from exod.sandbox import _spawn
from exod.sandbox.sealed import PLAIN


def bind(directory: str, *, data_uid: int, uid: int) -> int | None:
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    with opened(openat2(mount.AT_FDCWD, directory, flags, resolve=RESOLVE_NO_SYMLINKS)) as place:
        return lend(place, (data_uid, data_uid), uid=uid)


def lend(place: int, owner: tuple[int, int], *, uid: int) -> int | None:
    """What lies behind the descriptor, in a mount where that user's and group's is the instance's, and nothing mounted
    below it comes along; to be written, though exod may have it read-only. Blocks for 0.3 ms: a process is made and
    ended for the user namespace of the mapping.
    """
    with opened(_spawn.mapped_users(*owner, uid)) as users:
        tree = mount.open_tree(place, "", mount.OPEN_TREE_CLONE | mount.AT_EMPTY_PATH)
        try:
            how = {"set_": PLAIN | mount.MOUNT_ATTR_IDMAP, "clear": mount.MOUNT_ATTR_RDONLY}
            mount.mount_setattr(tree, **how, propagation=mount.MS_PRIVATE, users=users)
        except OSError as error:
            os.close(tree)
            if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
                return None
            raise
        return tree
