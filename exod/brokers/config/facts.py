"""Settings of the system by name → their values today: a closed list, of which each is nobody's secret."""

import os
import platform
from collections.abc import Callable, Mapping

from exod.names import VERSION

_LOCALTIME = "/etc/localtime"
_ZONES = "/zoneinfo/"


def _zone() -> str:
    """The zone's name, from where the link leads; "" where the host has no link."""
    where = os.readlink(_LOCALTIME) if os.path.islink(_LOCALTIME) else ""
    return where.partition(_ZONES)[2]


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return ""


SYSTEM: Mapping[str, Callable[[], str]] = {
    "arch": lambda: os.uname().machine,
    "exod": lambda: VERSION,
    "hostname": lambda: os.uname().nodename,
    "kernel": lambda: os.uname().release,
    "os": _system,
    "timezone": _zone,
}
