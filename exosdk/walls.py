"""What an instance finds when it tries its own walls: layer → the refusal's errno name, or `allowed`.

Each is one harmless call that a wall must refuse. It adds to what the C side of the spawn saw; exod believes neither
alone and looks from outside as well.
"""

import _socket
import errno
import os
from collections.abc import Callable, Mapping

_AF_NETLINK, _SOCK_RAW = 16, 3
_NOBODY_ELSE = 2
"""The second pid of a namespace: in a sandbox there is none; signal 0 only asks."""

_PROBES: Mapping[str, Callable[[], object]] = {
    "denied.socket": lambda: _socket.socket(_AF_NETLINK, _SOCK_RAW).close(),
    "denied.host-file": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
    "denied.procfs": lambda: os.listdir("/proc/self"),
    "denied.plugin-write": lambda: os.close(os.open("/plugin/.probe", os.O_WRONLY | os.O_CREAT, 0o600)),
    "denied.signal": lambda: os.kill(_NOBODY_ELSE, 0),
    "denied.setuid": lambda: os.setuid(0),
}
ALLOWED = "allowed"


def _try(probe: Callable[[], object]) -> str:
    try:
        probe()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return ALLOWED


def report(seen: Mapping[str, object], *, probes: Mapping[str, Callable[[], object]] = _PROBES) -> dict[str, str]:
    """`seen` is what the C side reports (Seccomp, NoNewPrivs, capability sets …); own findings stand beside it."""
    uids, gids = " ".join(map(str, os.getresuid())), " ".join(map(str, os.getresgid()))
    own = {"uid": uids, "gid": gids, "pid": str(os.getpid())}
    tried = {name: _try(probe) for name, probe in probes.items()}
    return {str(name): str(value) for name, value in seen.items()} | own | tried
