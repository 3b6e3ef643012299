"""openat2(2): a path → a descriptor, with a say in how the path is walked (Linux 5.6)."""

import struct

from exod.linux.syscall import syscall

OPENAT2 = 437
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08


def openat2(directory: int, path: str, flags: int, *, resolve: int, mode: int = 0) -> int:
    how = struct.pack("=3Q", flags, mode, resolve)
    return syscall(OPENAT2, directory, path.encode(), how, len(how), what=path)
