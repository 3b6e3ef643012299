"""Network namespaces as descriptors: what kind one is, which one it is, and who owns it (nsfs ioctls)."""

import fcntl
import os

from exod.linux.descriptors import opened

NS_GET_USERNS = 0xB701
NS_GET_NSTYPE = 0xB703
CLONE_NEWNET = 0x40000000


def is_network(descriptor: int) -> bool:
    try:
        return fcntl.ioctl(descriptor, NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        return False


def identity(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino


def owner(descriptor: int) -> int:
    """The inode of the user namespace that owns it."""
    with opened(fcntl.ioctl(descriptor, NS_GET_USERNS)) as users:
        return os.fstat(users).st_ino
