"""Which files and directories may be granted, whatever a policy says, and that exactly they are what is mounted."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from exod.brokers.files import steps
from exod.brokers.files.rules import OPEN_FILES, PATHS_MAX
from exod.errors import Refused
from exod.linux import mount, procfs, syscall
from exod.linux.descriptors import close
from exod.sandbox import data
from tests.exod.brokers.doctor.broken import apart
from tests.exod.sandbox.rig import confinement
from tests.mounts import bound, mounted_tmpfs

_READ_ONLY, _REMOUNT, _BIND = 1, 1 << 5, 1 << 12
OWNER, GROUP, INSTANCE = 2147099999, 2147099998, 2147100007


def mounts(
    paths: Sequence[str] = (),
    *,
    writable: Sequence[str] = (),
    lend: steps.Lend = partial(data.lend, uid=INSTANCE),  # noqa: B008 - frozen
    forbidden: Sequence[str] = (),
) -> list[int]:
    confined = confinement(files=tuple(paths), writable=tuple(writable))
    return steps.open_paths(confined, lend, forbidden=forbidden)


@pytest.fixture
def place() -> Iterator[Path]:
    """Not below /tmp, which an instance has for itself."""
    path = Path("/var/tmp") / f"exod-grants-{os.getpid()}"
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("path", sorted(OPEN_FILES))
def test_the_closed_list_of_proc_is_granted(path: str) -> None:
    close(mounts([path]))


def test_a_place_of_this_daemon_is_never_granted(place: Path) -> None:
    (place / "secret").touch()
    for path in (place / "secret", place):
        with pytest.raises(Refused, match="is ever granted"):
            mounts([str(path)], forbidden=[str(place / "secret")])


def test_what_is_neither_file_nor_directory_is_refused(place: Path) -> None:
    os.mkfifo(place / "fifo")
    os.mknod(place / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (place / "link").symlink_to("/etc/hostname")
    for name, reason in (("fifo", "regular"), ("device", "regular"), ("link", "symbolic"), ("none", "no such")):
        with pytest.raises(Refused, match=reason):
            mounts([str(place / name)])


def test_another_name_of_a_closed_file_is_refused(place: Path) -> None:
    (place / "secret").touch()
    os.link(place / "secret", place / "plain")
    with pytest.raises(Refused, match="secret under another name"):
        mounts([str(place / "plain")], forbidden=[str(place / "secret")])


def test_a_directory_is_mounted_read_only_and_what_is_mounted_below_it_is_not(place: Path) -> None:
    (place / "tree/below").mkdir(parents=True)
    (place / "tree/file").write_text("it")
    with mounted_tmpfs(place / "tree/below"):
        (place / "tree/below/foreign").touch()
        (tree,) = mounts([str(place / "tree")])
        try:
            assert sorted(os.listdir(f"/proc/self/fd/{tree}")) == ["below", "file"]
            assert os.listdir(f"/proc/self/fd/{tree}/below") == []
            with pytest.raises(OSError, match="Read-only"):
                os.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=tree)
        finally:
            os.close(tree)


@pytest.mark.parametrize("directory", [False, True])
def test_what_may_be_written_is_the_instances_inside_and_its_owners_outside(place: Path, directory: bool) -> None:
    path = place / "mine"
    path.mkdir() if directory else path.touch()
    os.chown(path, OWNER, GROUP)
    closed, tree = mounts(["/proc/stat"], writable=[str(path)])
    try:
        seen = os.fstat(tree)
        assert (seen.st_uid, seen.st_gid) == (INSTANCE, INSTANCE)
        flags = os.statvfs(f"/proc/self/fd/{tree}").f_flag
        assert flags & (os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC) == (
            os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC
        )
    finally:
        close([closed, tree])
    assert (path.stat().st_uid, path.stat().st_gid) == (OWNER, GROUP)


@pytest.mark.parametrize("outside", ["rw", "ro"])
def test_what_only_exods_own_unit_has_read_only_is_lent_to_be_written(
    place: Path, outside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ProtectSystem=strict does it; the host is told by the root of another process."""
    os.chown(place, OWNER, GROUP)
    monkeypatch.setattr(steps, "_OUTSIDE", f"/proc/{os.getpid() if outside == 'rw' else 'self'}/root")

    def lent() -> str:
        syscall.mount(str(place), str(place), None, _BIND)
        syscall.mount(None, str(place), None, _BIND | _REMOUNT | _READ_ONLY)
        try:
            (tree,) = mounts(writable=[str(place)])
        except Refused as refused:
            return refused.refusal.sentence
        return "ro" if os.statvfs(f"/proc/self/fd/{tree}").f_flag & os.ST_RDONLY else "rw"

    said = "rw" if outside == "rw" else f"cannot grant {place}: it is mounted read-only"
    assert apart(lent) == said


@pytest.mark.parametrize("covered", [True, False])
def test_of_a_scratch_directory_of_exods_own_unit_nothing_is_granted(
    place: Path, covered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PrivateTmp= does it."""
    monkeypatch.setattr(steps, "_OUTSIDE", f"/proc/{os.getpid()}/root")
    own = "exod's own unit has another /var/tmp than the host (PrivateTmp=)"

    def granted() -> str:
        if covered:
            syscall.mount("none", "/var/tmp", "tmpfs", 0, "size=64k")
            place.mkdir()
        said = ""
        for path in (place, place.parent):
            try:
                close(mounts([str(path)]))
            except Refused as refused:
                said += refused.refusal.sentence
        return said

    refused = "".join(f"cannot grant {path}: {own}" for path in (place, place.parent))
    assert apart(granted) == (refused if covered else "")


@pytest.mark.parametrize("owner", [(0, 0), (OWNER, 0), (0, GROUP)])
def test_nothing_that_root_owns_is_granted_for_writing(place: Path, owner: tuple[int, int]) -> None:
    os.chown(place, *owner)
    with pytest.raises(Refused, match="no plugin writes as root"):
        mounts(writable=[str(place)])


def test_a_file_system_that_cannot_map_users_gives_nothing_to_write(
    place: Path,
) -> None:
    os.chown(place, OWNER, GROUP)
    with pytest.raises(Refused, match="without idmapped mounts"):
        mounts(writable=[str(place)], lend=lambda *_: None)


def test_a_link_on_the_way_is_refused(place: Path) -> None:
    (place / "way").symlink_to("/etc")
    with pytest.raises(Refused, match="symbolic"):
        mounts([str(place / "way/hostname")])


def test_a_refusal_leaves_no_descriptor_of_the_others() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Refused):
        mounts(["/proc/stat", "/proc/uptime", "/etc/shadow"])
    assert os.listdir("/proc/self/fd") == before


def test_more_files_than_a_request_holds_are_refused() -> None:
    with pytest.raises(Refused, match=f"more than {PATHS_MAX}"):
        mounts(["/proc/stat"] * (PATHS_MAX + 1))


def test_a_mounted_file_is_that_file_and_cannot_be_written(place: Path) -> None:
    (place / "open").write_text("figures")
    (place / "open").chmod(0o666)
    (tree,) = mounts([str(place / "open")])
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
        mounts([str(place / "far")])


def _mount(path: Path) -> str:
    file = os.open(path, os.O_PATH)
    rows = Path(f"/proc/self/fdinfo/{file}").read_text().splitlines()
    os.close(file)
    return next(row.split()[1] for row in rows if row.startswith("mnt_id:"))


def test_a_file_whose_file_system_is_unknown_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "lost").touch()
    monkeypatch.setattr(procfs, "mounts", lambda *_: [("0:0", "/x", "ext4")])
    with pytest.raises(Refused, match="unknown"):
        mounts([str(place / "lost")])


def test_a_grant_is_private_to_whoever_gets_it() -> None:
    (tree,) = mounts(["/proc/stat"])
    try:
        mount.mount_setattr(tree, set_=0)
        assert os.stat(tree).st_mode & 0o222 == 0
    finally:
        os.close(tree)


def test_a_figure_that_others_read_meanwhile_can_still_be_moved_to_its_place() -> None:
    """As somebody's monitor does: looking a file below /proc/PID/net up unhashes it for every other holder."""
    (tree,) = mounts(["/proc/1/net/dev"])
    assert Path("/proc/1/net/dev").stat().st_size == 0
    close(mounts(["/proc/1/net/dev"]))
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
    (tree,) = mounts(["/proc/uptime"])
    assert len(calls) == 2
    os.close(tree)


@pytest.mark.parametrize("closed", ["/", "/etc", "/boot"])
def test_a_closed_place_and_what_holds_one_is_refused_under_another_name(place: Path, closed: str) -> None:
    (place / "bind").mkdir()
    with bound(closed, place / "bind"), pytest.raises(Refused, match=f"it is {closed} under another name"):
        mounts([str(place / "bind")])


def test_a_piece_of_a_closed_file_system_bound_elsewhere_is_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /run and /dev are: whatever lies on them, under whatever name."""
    (place / "run").mkdir()
    (place / "bind").mkdir()
    monkeypatch.setattr(steps, "CLOSED_ROOTS", (str(place / "run"),))
    monkeypatch.setattr(steps, "_OWN_SYSTEMS", (str(place / "run"),))
    with mounted_tmpfs(place / "run"):
        (place / "run/deep").mkdir()
        with bound(place / "run/deep", place / "bind"), pytest.raises(Refused, match="run under another name"):
            mounts([str(place / "bind")])
