"""Which single files may be granted, whatever a policy says, and that exactly they are what is mounted."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.linux import mount, procfs
from exod.linux.descriptors import close
from exod.sandbox import grants
from exod.sandbox.frames import FILES_MAX


@pytest.fixture
def place() -> Iterator[Path]:
    """Not below /tmp, which an instance has for itself."""
    path = Path("/var/tmp") / f"exod-grants-{os.getpid()}"
    path.mkdir()
    yield path
    for found in path.iterdir():
        found.unlink()
    path.rmdir()


@pytest.mark.parametrize("path", sorted(grants.PROC_FILES))
def test_the_closed_list_of_proc_is_granted(path: str) -> None:
    close(grants.open_files([path]))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "relative",
        "//etc/hostname",
        "/etc//hostname",
        "/etc/./hostname",
        "/etc/../etc/hostname",
        "/etc/hostname/",
        "/etc/host\0name",
        "/proc/version",
        "/proc/self/mem",
        "/proc/net/dev",
        "/proc/1/environ",
        "/sys/kernel/notes",
        "/dev/null",
        "/run/x",
        "/boot/x",
        "/etc/exod/exod.toml",
        "/var/lib/exod/trust/state.json",
        "/etc/shadow",
        "/etc/gshadow",
        "/plugin/code/x.py",
        "/tmp/x",
        "/state/x",
        "/usr/lib/python3.11/os.py",
    ],
)
def test_what_is_never_granted_is_refused_before_it_is_opened(path: str) -> None:
    with pytest.raises(Refused, match="cannot grant"):
        grants.open_files([path])


def test_a_place_of_this_daemon_is_never_granted(place: Path) -> None:
    (place / "secret").touch()
    with pytest.raises(Refused, match="is ever granted"):
        grants.open_files([str(place / "secret")], forbidden=[str(place)])


def test_what_is_no_plain_file_is_refused(place: Path) -> None:
    os.mkfifo(place / "fifo")
    (place / "link").symlink_to("/etc/hostname")
    for name, reason in (("fifo", "regular"), ("link", "symbolic"), ("none", "no such"), ("", "regular")):
        with pytest.raises(Refused, match=reason):
            grants.open_files([str(place / name) if name else str(place)])


def test_a_link_on_the_way_is_refused(place: Path) -> None:
    (place / "way").symlink_to("/etc")
    with pytest.raises(Refused, match="symbolic"):
        grants.open_files([str(place / "way/hostname")])


def test_a_refusal_leaves_no_descriptor_of_the_others() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Refused):
        grants.open_files(["/proc/stat", "/proc/uptime", "/etc/shadow"])
    assert os.listdir("/proc/self/fd") == before


def test_more_files_than_a_request_holds_are_refused() -> None:
    with pytest.raises(Refused, match=f"more than {FILES_MAX}"):
        grants.open_files(["/proc/stat"] * (FILES_MAX + 1))


def test_a_mounted_file_is_that_file_and_cannot_be_written(place: Path) -> None:
    (place / "open").write_text("figures")
    (place / "open").chmod(0o666)
    (tree,) = grants.open_files([str(place / "open")])
    try:
        again = f"/proc/self/fd/{tree}"
        assert Path(again).read_text() == "figures"
        with pytest.raises(OSError, match="Read-only"):
            os.open(again, os.O_WRONLY)
    finally:
        os.close(tree)


def test_a_file_of_a_foreign_file_system_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "far").touch()
    monkeypatch.setattr(procfs, "mounts", lambda *_: [(_mount(place), "/x", "fuse")])
    with pytest.raises(Refused, match="lies on fuse"):
        grants.open_files([str(place / "far")])


def _mount(path: Path) -> str:
    file = os.open(path, os.O_PATH)
    rows = Path(f"/proc/self/fdinfo/{file}").read_text().splitlines()
    os.close(file)
    return next(row.split()[1] for row in rows if row.startswith("mnt_id:"))


def test_a_file_whose_file_system_is_unknown_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "lost").touch()
    monkeypatch.setattr(procfs, "mounts", lambda *_: [("0:0", "/x", "ext4")])
    with pytest.raises(Refused, match="unknown"):
        grants.open_files([str(place / "lost")])


def test_a_grant_is_private_to_whoever_gets_it() -> None:
    (tree,) = grants.open_files(["/proc/stat"])
    try:
        mount.mount_setattr(tree, set_=0)
        assert os.stat(tree).st_mode & 0o222 == 0
    finally:
        os.close(tree)


def test_a_figure_that_others_read_meanwhile_can_still_be_moved_to_its_place() -> None:
    """As somebody's monitor does: looking a file below /proc/PID/net up unhashes it for every other holder."""
    (tree,) = grants.open_files(["/proc/1/net/dev"])
    assert Path("/proc/1/net/dev").stat().st_size == 0
    close(grants.open_files(["/proc/1/net/dev"]))
    assert "deleted" not in os.readlink(f"/proc/self/fd/{tree}")
    os.close(tree)


def test_where_detached_mounts_cannot_be_cloned_the_hosts_procfs_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    clone, calls = mount.open_tree, []

    def old_kernel(directory: int, path: str, flags: int) -> int:
        calls.append(directory)
        if len(calls) == 1:
            raise OSError(errno.EINVAL, "not before 6.15")
        return clone(directory, path, flags)

    monkeypatch.setattr(mount, "open_tree", old_kernel)
    (tree,) = grants.open_files(["/proc/uptime"])
    assert len(calls) == 2
    os.close(tree)
