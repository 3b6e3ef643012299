"""`exod --dev DIR`: DIR → a Layout of throw-away state and a private bus, beside whatever production runs.

Refuses a directory it did not make, one that another user could have planted, production's own places, and a second
daemon in one DIR. The bus outlives a daemon that is killed, as the system bus would; a clean stop ends it.
"""

import fcntl
import os
import re
import signal
import socket
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused
from exod.layout import DEV_MARKER, Layout, development
from exod.linux.pidfd import ended, pidfd_open
from exod.state.directory import Directory

_FORBIDDEN = ("/etc", "/usr", "/var/lib", "/var/log", "/run", "/boot", "/proc", "/sys", "/dev")
_PLAIN = re.compile(r"/[A-Za-z0-9_./+-]*")
"""What a shell, an XML file and a bus address all read as themselves: DIR is printed to the first, written to both."""
_SOCKET_PATH_MAX = 107
_BELOW = ("etc", "etc/trust.d", "etc/plugins.d", "lib", "run", "log", "keys")
_SO_PEERPIDFD = 77
_BUS_SECONDS = 5.0
BUS = "/usr/bin/dbus-daemon"
_ETC = Path(__file__).resolve().parent.parent / "etc/dbus"
POLICY = _ETC / "org.exoos.Exod1.conf"


@dataclass(frozen=True, slots=True)
class Claim:
    """DIR is this process's for as long as `lock`, a descriptor, is open: until the process ends, however it ends."""

    layout: Layout
    lock: int


def claim(directory: Path) -> Claim | Refusal:
    """Makes DIR, or recognises one made before, and the directories below it."""
    if problem := _unfit(directory):
        return _refuse(directory, problem)
    try:
        with Directory.open(directory, make=True) as root:
            lock = _lock(root)
            try:
                _make_below(root)
            except BaseException:
                os.close(lock)
                raise
    except Refused as refused:
        path, reason = refused.refusal.evidence.get("path"), refused.refusal.sentence.partition(": ")[2]
        return refused.refusal if path is None else _refuse(directory, f"{path}: {reason}")
    except OSError as error:
        return _refuse(directory, error.strerror or str(error))
    return Claim(development(directory), lock)


def _unfit(directory: Path) -> str:
    """Why the path itself will not do; empty when it will."""
    if not directory.is_absolute() or ".." in directory.parts:
        return "the path is not absolute"
    if any(directory == Path(place) or directory.is_relative_to(place) for place in _FORBIDDEN):
        return "production and the system live there"
    if not _PLAIN.fullmatch(str(directory)):
        return "the path has other characters than letters, digits and _./+-"
    if len(str(directory / "run/keeper.sock")) > _SOCKET_PATH_MAX:
        return "the path is too long for the sockets below it"
    return ""


def _lock(root: Directory) -> int:
    """The marker, held; made only in an empty directory. Whoever else planted it, or holds it, is refused."""
    if os.fstat(root.fd).st_mode & 0o077:
        raise Refused(_refuse(root.path, "others may enter it"))
    if not root.has(DEV_MARKER) and os.listdir(root.fd):
        raise Refused(_refuse(root.path, "exod did not make it"))
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        lock = os.open(DEV_MARKER, flags, 0o600, dir_fd=root.fd)
    except OSError as error:
        raise Refused(_refuse(root.path, "exod did not make it")) from error
    try:
        found = os.fstat(lock)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise Refused(_refuse(root.path, "exod did not make it"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Refused(_taken(root.path)) from None
    except BaseException:
        os.close(lock)
        raise
    return lock


def _make_below(root: Directory) -> None:
    """Each judged: a link would lead this daemon to the state of another."""
    for place in _BELOW:
        top, _, name = place.rpartition("/")
        with root.child(top) if top else Directory(os.dup(root.fd), root.path) as above, above.child(name, make=True):
            pass


def _refuse(directory: Path | str, reason: str) -> Refusal:
    sentence = f"cannot use {directory} for development: {reason}"
    return Refusal("dev-directory-refused", sentence, "exod --dev /tmp/exod-dev", outcome=Outcome.USAGE)


def _taken(directory: str) -> Refusal:
    sentence = f"cannot use {directory} for development: another exod runs there"
    return Refusal("already-running", sentence, "stop it, or give another DIR", outcome=Outcome.FAILED)


def start_bus(layout: Layout) -> int | Refusal:
    """Starts a bus on the layout's address; returns its pid before it listens, or 0 when one answers there already."""
    path = layout.run / "bus"
    if (peer := _connect(path)) is not None:
        peer.close()
        return 0
    path.unlink(missing_ok=True)
    config = layout.run / "bus.conf"
    config.write_text((_ETC / "development.conf").read_text().format(run=layout.run, policy=POLICY))
    command = [BUS, f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog"]
    log = str(layout.log / "bus.log")
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        return os.posix_spawn(command[0], command, {}, file_actions=streams, setsid=True, setsigmask=())
    except OSError as error:
        sentence = f"cannot start a bus for development: {BUS}: {error.strerror}"
        return Refusal("bus-not-started", sentence, "apt install dbus-daemon", outcome=Outcome.FAILED)


def stop_bus(layout: Layout, *, started: int) -> None:
    """Ends our own child, which may not listen yet; else whoever answers at the address, found by its socket."""
    path = layout.run / "bus"
    pidfd = pidfd_open(started) if started else _listener(path)
    if pidfd < 0:
        return
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        ended(pidfd, seconds=_BUS_SECONDS)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except (ChildProcessError, ProcessLookupError):
        pass
    finally:
        os.close(pidfd)
    path.unlink(missing_ok=True)


def _listener(path: Path) -> int:
    """A pidfd of who listens on `path`, never by a stored pid; -1 when nobody does."""
    peer = _connect(path)
    if peer is None:
        return -1
    with peer:
        return _peer_pidfd(peer)


def _peer_pidfd(peer: socket.socket) -> int:
    try:
        return peer.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:  # before Linux 6.5: the peer holds its end open while we look, so its pid is not recycled
        pid, _, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return pidfd_open(pid)


def _connect(path: Path) -> socket.socket | None:
    """Never through a link: it could lead to the bus of production."""
    if path.is_symlink():
        return None
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        peer.close()
        return None
    return peer
