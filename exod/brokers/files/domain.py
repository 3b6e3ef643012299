"""What an instance may read and write → the Landlock ruleset that says so once more, behind the mounts.

Reading is left below the root and nowhere else, executing nowhere, writing below /tmp, /state and what is granted for
it; no TCP but listening where it was granted, no abstract socket and no signal that leads out of the sandbox, as far as
this kernel can hold them.
"""

import functools
import os
import stat
import struct
from collections.abc import Sequence

from exod.linux.numbers import NUMBERS
from exod.linux.syscall import syscall
from exod.plan.confine import Confinement

(EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR) = (1 << n for n in range(8))
(MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV) = (1 << n for n in range(8, 16))
_FIRST = (1 << 13) - 1
_SINCE = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
"""The rights of ABI 1, and which came with which later one; TCP came with 4, scopes with 6."""
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2
_OF_FILES = WRITE_FILE | TRUNCATE
_WRITE = _OF_FILES | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER
_VERSION = _RULE_PATH_BENEATH = 1
_RULE_NET_PORT = 2
_LISTENS = "listen:tcp:"
_NUMBERS = NUMBERS[os.uname().machine]


@functools.cache
def landlock_abi() -> int:
    """0 where the kernel has no Landlock, or has it switched off."""
    try:
        return syscall(_NUMBERS["landlock_create_ruleset"], None, 0, _VERSION)
    except OSError:
        return 0


def domain(root: int, writable: Sequence[int], whose: Confinement, *, version: int | None = None) -> int | None:
    """A descriptor, None without Landlock. `root` and `writable` are mounts; what is below them is like them."""
    abi = landlock_abi() if version is None else version
    if not abi:
        return None
    handled = _FIRST | sum(right for since, right in _SINCE.items() if abi >= since)
    ports = _BIND_TCP | _CONNECT_TCP if abi >= 4 else 0
    scopes = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL if abi >= 6 else 0
    made = create_ruleset(fs=handled, net=ports, scoped=scopes)
    try:
        _add_path_beneath(made, root, READ_FILE | READ_DIR)
        for tree in writable:
            rights = _WRITE if stat.S_ISDIR(os.fstat(tree).st_mode) else _OF_FILES
            _add_path_beneath(made, tree, rights & handled)
        for entry in whose.permissions.get("network", ()) if ports else ():
            if entry.startswith(_LISTENS):
                _add_net_port(made, int(entry.removeprefix(_LISTENS)), _BIND_TCP)
    except BaseException:
        os.close(made)
        raise
    return made


def create_ruleset(*, fs: int, net: int = 0, scoped: int = 0) -> int:
    """What is named here is forbidden but for the rules that follow. Older kernels take later fields that are 0."""
    attributes = struct.pack("=3Q", fs, net, scoped)
    return syscall(_NUMBERS["landlock_create_ruleset"], attributes, len(attributes), 0, what="landlock_create_ruleset")


def _add_path_beneath(ruleset: int, tree: int, access: int) -> None:
    rule = struct.pack("=Qi", access, tree)
    syscall(_NUMBERS["landlock_add_rule"], ruleset, _RULE_PATH_BENEATH, rule, 0, what="landlock_add_rule")


def _add_net_port(ruleset: int, port: int, access: int) -> None:
    rule = struct.pack("=QQ", access, port)
    syscall(_NUMBERS["landlock_add_rule"], ruleset, _RULE_NET_PORT, rule, 0, what="landlock_add_rule")
