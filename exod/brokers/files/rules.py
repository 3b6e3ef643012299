"""A Confinement's paths → what is wrong with granting them, before anything is opened. Pure."""

import os
from collections.abc import Iterable

from exod.errors import Refusal
from exod.plan.confine import Confinement

PATHS_MAX = 32
"""As many as one fork request carries."""

OPEN_FILES = frozenset(
    [
        *(f"/proc/{name}" for name in ("stat", "meminfo", "loadavg", "uptime", "1/net/dev")),
        *(f"/proc/pressure/{name}" for name in ("cpu", "memory", "io")),
    ]
)
"""The closed list of what may be read below a closed root; `/proc/net` would be that of whoever opens it."""

CLOSED_ROOTS = (
    *("/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/etc/exod", "/var/lib/exod"),
    *("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"),
)
"""Not grantable whatever the ceiling: kernel interfaces, sockets, the store, secrets. /var/run is a link to /run."""

_RESERVED = ("/plugin", "/state", "/tmp", os.path.dirname(os.__file__))
"""Places in an instance's root that are exod's own."""


def check(confinement: Confinement) -> Refusal | None:
    """Whatever its signer's ceiling and its policy allow."""
    chosen = [*confinement.files, *confinement.writable]
    for place, path in enumerate(chosen):
        reason = fault(path) or _nested(path, chosen[:place])
        if path in OPEN_FILES and path in confinement.writable:
            reason = "it is only ever read"
        if reason:
            what = f"cannot load {confinement.plugin} {confinement.version}: it asks for {path}: {reason}"
            return Refusal("permission-refused", what, "exoctl package inspect FILE", {"permission": path})
    return None


def fault(path: str, *, forbidden: Iterable[str] = ()) -> str:
    """Why it is never granted; "" where it may be. `forbidden`: places of this very daemon."""
    if path in OPEN_FILES:
        return ""
    clean = path.startswith("/") and path == os.path.normpath(path) and not path.startswith("//") and "\0" not in path
    if not clean or path == "/":
        return "it is not the plain absolute path of a file or directory"
    closed = (place for place in (*CLOSED_ROOTS, *forbidden, *_RESERVED) if _overlap(path, place))
    return next((f"nothing of {place} is ever granted" for place in closed), "")


def _nested(path: str, others: Iterable[str]) -> str:
    """One mount would lie over the other: what is asked for, and what the plugin would see, could differ."""
    near = (other for other in others if _overlap(path, other))
    return next((f"it asks for {other} as well, and one holds the other" for other in near), "")


def _overlap(one: str, other: str) -> bool:
    """Whether they are the same, or one lies below the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def refuse(path: str, reason: str) -> Refusal:
    return Refusal("file-grant-refused", f"cannot grant {path}: {reason}", evidence={"path": path})
