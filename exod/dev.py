"""`exod --dev DIR`: DIR → a Layout of throw-away state and a private bus, beside whatever production runs.

Refuses a directory it did not make, one that another user could have planted, and production's own places.
The bus outlives a daemon that is killed, as the system bus would; a clean stop ends it.
"""

import os
import signal
import socket
import stat
import struct
from pathlib import Path

from exod.errors import Outcome, Refusal
from exod.layout import DEV_MARKER, Layout, development

_FORBIDDEN = ("/etc", "/usr", "/var/lib", "/run", "/boot", "/proc", "/sys", "/dev")
_SO_PEERPIDFD = 77
_BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={run}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>{policy}</include>
</busconfig>
"""
POLICY = Path(__file__).resolve().parent.parent / "etc/dbus/org.exoos.Exod1.conf"


def claim(directory: Path) -> Layout | Refusal:
    """Makes DIR, or recognises one made before, and the directories below it."""
    if problem := _unfit(directory):
        return Refusal(
            "dev-directory-refused",
            f"cannot use {directory} for development: {problem}",
            "exod --dev /tmp/exod-dev",
            outcome=Outcome.USAGE,
        )
    directory.mkdir(mode=0o700, exist_ok=True)
    layout = development(directory)
    for place in (layout.config / "trust.d", layout.config / "plugins.d", layout.state, layout.run, layout.log):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "keys").mkdir(mode=0o700, exist_ok=True)
    (directory / DEV_MARKER).write_text("throw-away state of `exod --dev`\n")
    return layout


def _unfit(directory: Path) -> str:
    """Why DIR may not be used; empty when it may."""
    if not directory.is_absolute() or ".." in directory.parts:
        return "the path is not absolute"
    if any(directory == Path(place) or directory.is_relative_to(place) for place in _FORBIDDEN):
        return "production and the system live there"
    if directory.parent.resolve() != directory.parent:
        return "the path leads through a link"
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return "" if directory.parent.is_dir() else f"{directory.parent} does not exist"
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a directory"
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        return "others own it or may enter it"
    try:
        marker = (directory / DEV_MARKER).lstat()
    except FileNotFoundError:
        return "" if not any(directory.iterdir()) else "exod did not make it"
    return "" if stat.S_ISREG(marker.st_mode) and marker.st_uid == os.geteuid() else "exod did not make it"


def start_bus(layout: Layout) -> None:
    """Starts a bus on the layout's address unless one answers there; returns before it listens."""
    path = layout.run / "bus"
    if _connect(path) is not None:
        return
    path.unlink(missing_ok=True)
    config = layout.run / "bus.conf"
    config.write_text(_BUS_CONFIG.format(run=layout.run, policy=POLICY))
    command = ["/usr/bin/dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog"]
    log = str(layout.log / "bus.log")
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    os.posix_spawn(command[0], command, {}, file_actions=streams, setsid=True)


def stop_bus(layout: Layout) -> None:
    """Ends the bus behind the layout's address, whoever started it: found by its socket, never by a stored pid."""
    peer = _connect(layout.run / "bus")
    if peer is None:
        return
    with peer:
        pidfd = _peer_pidfd(peer)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except (ChildProcessError, ProcessLookupError):
        pass
    finally:
        os.close(pidfd)
    (layout.run / "bus").unlink(missing_ok=True)


def _peer_pidfd(peer: socket.socket) -> int:
    try:
        return peer.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:  # before Linux 6.5: the peer holds its end open while we look, so its pid is not recycled
        pid, _, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return os.pidfd_open(pid)


def _connect(path: Path) -> socket.socket | None:
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        peer.close()
        return None
    return peer
