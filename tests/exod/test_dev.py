"""`--dev` takes a directory only if it is its own, for one daemon at a time, and ends the bus it started."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod import dev
from exod.errors import Outcome, Refusal
from exod.layout import DEV_MARKER, Layout


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: the sockets below it have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="exod-t-", dir="/tmp") as directory:
        yield Path(directory)


def claimed(directory: Path) -> dev.Claim:
    found = dev.claim(directory)
    assert isinstance(found, dev.Claim), found
    return found


def refused(directory: Path) -> Refusal:
    found = dev.claim(directory)
    assert isinstance(found, Refusal)
    return found


def test_a_new_directory_is_made_for_this_user_alone(place: Path) -> None:
    claim = claimed(place / "dev")
    os.close(claim.lock)
    made = [place / "dev", *(place / "dev" / name for name in ("etc/trust.d", "etc/plugins.d", "lib", "run", "keys"))]
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in made)


def test_a_directory_it_made_is_taken_again(place: Path) -> None:
    os.close(claimed(place / "dev").lock)
    os.close(claimed(place / "dev").lock)


def test_two_daemons_never_share_a_directory(place: Path) -> None:
    first = claimed(place / "dev")
    assert refused(place / "dev").code == "already-running"
    os.close(first.lock)
    os.close(claimed(place / "dev").lock)


@pytest.mark.parametrize("path", ["/etc/exod", "/var/lib/exod/x", "/run/exod", "/dev/shm/x", "/usr/x"])
def test_production_and_the_system_are_never_development(path: str) -> None:
    refusal = refused(Path(path))
    assert (refusal.code, refusal.outcome) == ("dev-directory-refused", Outcome.USAGE)
    assert not Path(path, DEV_MARKER).exists()


@pytest.mark.parametrize("path", ["dev", "/tmp/../etc/x", "/tmp/a b", "/tmp/a;b", "/tmp/a'", "/tmp/" + "a" * 100])
def test_a_path_that_something_could_read_otherwise_is_refused(path: str) -> None:
    assert refused(Path(path)).code == "dev-directory-refused"


def test_a_directory_with_a_strangers_files_is_refused_and_left_alone(place: Path) -> None:
    (place / "dev").mkdir(mode=0o700)
    (place / "dev/precious").write_text("mine")
    assert "exod did not make it" in refused(place / "dev").sentence
    assert sorted(path.name for path in (place / "dev").iterdir()) == ["precious"]


def test_a_directory_that_others_may_enter_is_refused(place: Path) -> None:
    (place / "dev").mkdir()
    (place / "dev").chmod(0o755)
    assert refused(place / "dev")


def test_a_link_is_not_followed_to_somebody_elses_directory(place: Path) -> None:
    os.close(claimed(place / "real").lock)
    (place / "dev").symlink_to(place / "real")
    assert refused(place / "dev")


@pytest.mark.parametrize("plant", ["symlink", "fifo", "directory", "stranger"])
def test_a_planted_marker_is_refused(place: Path, plant: str) -> None:
    root = place / "dev"
    root.mkdir(mode=0o700)
    marker = root / DEV_MARKER
    if plant == "symlink":
        marker.symlink_to(place / "elsewhere")
    elif plant == "fifo":
        os.mkfifo(marker)
    elif plant == "directory":
        marker.mkdir()
    else:
        marker.touch()
        os.chown(marker, 12345, 12345)
    assert "exod did not make it" in refused(root).sentence
    assert not (place / "elsewhere").exists()


def test_a_link_below_it_is_refused_and_the_lock_let_go(place: Path) -> None:
    os.close(claimed(place / "dev").lock)
    (place / "dev/lib").rmdir()
    (place / "dev/lib").symlink_to("/tmp")
    assert "lib" in refused(place / "dev").sentence
    (place / "dev/lib").unlink()
    os.close(claimed(place / "dev").lock)


def test_a_directory_that_cannot_be_made_is_refused_with_the_hosts_reason(place: Path) -> None:
    assert refused(place / "missing/dev").code == "dev-directory-refused"


# --- the bus ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def layout(place: Path) -> Iterator[Layout]:
    claim = claimed(place / "dev")
    yield claim.layout
    os.close(claim.lock)


def until_it_listens(layout: Layout) -> None:
    until = time.monotonic() + 10
    while dev._listener(layout.run / "bus") < 0:
        assert time.monotonic() < until


def test_a_bus_is_started_once_and_ended_by_who_started_it(layout: Layout) -> None:
    started = dev.start_bus(layout)
    assert isinstance(started, int)
    until_it_listens(layout)
    assert dev.start_bus(layout) == 0
    dev.stop_bus(layout, started=started)
    assert not (layout.run / "bus").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)


def test_a_bus_that_outlived_its_daemon_is_ended_by_the_next(layout: Layout) -> None:
    script = "import sys; from exod.dev import *; print(start_bus(development(Path(sys.argv[1]))))"
    command = [sys.executable, "-c", script, str(layout.run.parent)]
    root = Path(__file__).resolve().parents[2]
    pid = int(subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout)
    until_it_listens(layout)
    dev.stop_bus(layout, started=0)
    assert not (layout.run / "bus").exists()
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]


def test_stopping_a_bus_that_is_not_there_is_nothing(layout: Layout) -> None:
    dev.stop_bus(layout, started=0)


def test_a_bus_that_died_by_itself_is_no_trouble(layout: Layout) -> None:
    started = dev.start_bus(layout)
    assert isinstance(started, int)
    os.kill(started, signal.SIGKILL)
    dev.stop_bus(layout, started=started)
    assert not Path(f"/proc/{started}").exists()


def test_a_host_without_dbus_daemon_is_told_what_to_install(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "BUS", "/nonexistent/dbus-daemon")
    refusal = dev.start_bus(layout)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.hint) == ("bus-not-started", "apt install dbus-daemon")


def test_a_planted_link_never_leads_to_the_bus_of_production(layout: Layout) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(layout.run / "other"))
        other.listen()
        (layout.run / "bus").symlink_to(layout.run / "other")
        assert dev._listener(layout.run / "bus") == -1


def test_the_listener_is_found_on_kernels_without_peer_pidfds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "_SO_PEERPIDFD", 9999)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pidfd = dev._peer_pidfd(ours)
    assert f"Pid:\t{os.getpid()}\n" in Path(f"/proc/self/fdinfo/{pidfd}").read_text()
    os.close(pidfd)
