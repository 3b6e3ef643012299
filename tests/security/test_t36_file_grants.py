"""THREATS 36: a grant of files is exactly what was checked, from the check to the end, and no way around it."""

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.errors import Refused
from tests.exod.sandbox.rig import Rig
from tests.mounts import bound, mounted_tmpfs

OWNER, GROUP, STRANGER = 2147099999, 2147099998, 2147099997


@pytest.fixture
def place() -> Iterator[Path]:
    """Not below /tmp, which an instance has for itself. `granted` belongs to a user, and everybody may read it."""
    path = Path("/var/tmp") / f"exod-t36-{os.getpid()}"
    (path / "granted").mkdir(parents=True)
    (path / "granted/file").write_text("it")
    (path / "beside").write_text("secret")
    for owned, mode in (("granted", 0o755), ("granted/file", 0o644)):
        os.chown(path / owned, OWNER, GROUP)
        (path / owned).chmod(mode)
    yield path
    shutil.rmtree(path)


async def test_a_granted_directory_is_read_and_nothing_beside_it(rig: Rig, place: Path) -> None:
    peer = await rig.start(files=(str(place / "granted"),))
    with peer.end:
        assert peer.ask(f"open('{place}/granted/file').read()") == "'it'"
        assert peer.ask(f"os.listdir('{place}')") == "['granted']"
        assert "FileNotFound" in peer.ask(f"open('{place}/granted/../beside')")


async def test_a_granted_directory_that_is_read_is_not_written(rig: Rig, place: Path) -> None:
    (place / "granted").chmod(0o777)
    (place / "granted/file").chmod(0o666)
    peer = await rig.start(files=(str(place / "granted"),))
    with peer.end:
        for attempt in (
            f"open('{place}/granted/file', 'a')",
            f"open('{place}/granted/new', 'w')",
            f"os.mkdir('{place}/granted/new')",
            f"os.unlink('{place}/granted/file')",
            f"os.rename('{place}/granted/file', '{place}/granted/other')",
            f"os.chmod('{place}/granted/file', 0o777)",
            f"os.utime('{place}/granted/file')",
            f"os.truncate('{place}/granted/file', 0)",
        ):
            assert "Read-only" in peer.ask(attempt), attempt
    assert (place / "granted/file").read_text() == "it"


def lock(path: object) -> str:
    """Which a descriptor to read is enough for; None when it is held."""
    return f"__import__('fcntl').flock(os.open('{path}', os.O_RDONLY), 2 | 4)"


async def test_who_reads_files_of_the_host_locks_none_and_only_who_writes_them_makes_others_wait(
    rig: Rig, place: Path
) -> None:
    for number, processes in enumerate(({}, {"processes": ("true",)}), start=1):
        both = (place / "granted", place / "mine")
        both[1].mkdir(exist_ok=True)
        os.chown(both[1], OWNER, GROUP)
        peer = await rig.start(number, files=(str(both[0]),), writable=(str(both[1]),), permissions=processes)
        with peer.end:
            for path in (place / "granted/file", place / "mine", "/tmp"):
                assert "PermissionError" in peer.ask(lock(path)), path
    peer = await rig.start(3, writable=(str(place / "granted"),))
    with peer.end, (place / "granted/file").open() as file:
        assert [peer.ask(lock(path)) for path in (place / "granted/file", "/tmp")] == ["None", "None"]
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_what_is_not_granted_is_not_there(rig: Rig, place: Path) -> None:
    peer = await rig.start()
    with peer.end:
        assert "FileNotFound" in peer.ask(f"open('{place}/granted/file')")
        assert "FileNotFound" in peer.ask("os.listdir('/var')")


async def test_what_is_written_belongs_to_the_owner_of_the_grant(rig: Rig, place: Path) -> None:
    peer = await rig.start(writable=(str(place / "granted"),))
    with peer.end:
        assert peer.ask(f"open('{place}/granted/new', 'w').write('mine')") == "4"
        assert peer.ask(f"open('{place}/granted/file', 'w').write('new')") == "3"
        assert peer.ask(f"os.stat('{place}/granted/new').st_uid == os.getuid()") == "True"
    found = (place / "granted/new").stat()
    assert (found.st_uid, found.st_gid, (place / "granted/file").read_text()) == (OWNER, GROUP, "new")


async def test_one_writable_file_gives_nothing_around_it(rig: Rig, place: Path) -> None:
    peer = await rig.start(writable=(str(place / "granted/file"),))
    with peer.end:
        assert peer.ask(f"open('{place}/granted/file', 'w').write('new')") == "3"
        assert "Read-only" in peer.ask(f"open('{place}/granted/new', 'w')")
        assert peer.ask(f"os.listdir('{place}/granted')") == "['file']"


async def test_what_belongs_to_others_below_a_writable_grant_stays_theirs(rig: Rig, place: Path) -> None:
    for owner, name in ((0, "roots"), (STRANGER, "strangers")):
        (place / "granted" / name).write_text("theirs")
        (place / "granted" / name).chmod(0o644)
        os.chown(place / "granted" / name, owner, owner)
    peer = await rig.start(writable=(str(place / "granted"),))
    with peer.end:
        for name in ("roots", "strangers"):
            assert "PermissionError" in peer.ask(f"open('{place}/granted/{name}', 'w')")
            assert peer.ask(f"os.chmod('{place}/granted/{name}', 0o777)").startswith("!")
            assert peer.ask(f"os.chown('{place}/granted/{name}', os.getuid(), os.getgid())").startswith("!")
            assert (place / "granted" / name).read_text() == "theirs"


async def test_no_set_user_id_program_is_made_on_a_writable_grant(rig: Rig, place: Path) -> None:
    peer = await rig.start(writable=(str(place / "granted"),))
    with peer.end:
        for bits in ("0o4755", "0o2755"):
            made = f"os.open('{place}/granted/program', os.O_WRONLY | os.O_CREAT, {bits})"
            assert "PermissionError" in peer.ask(f"[os.umask(0), {made}]")
            assert "PermissionError" in peer.ask(f"os.chmod('{place}/granted/file', {bits})")
            peer.ask(f"[os.umask(0), os.mkdir('{place}/granted/room', {bits})]")
    found = [path.lstat().st_mode for path in (place / "granted").iterdir()]
    assert not any(mode & (stat.S_ISUID | stat.S_ISGID) for mode in found)


async def test_links_are_neither_followed_nor_made(rig: Rig, place: Path) -> None:
    (place / "granted/link").symlink_to("file")
    peer = await rig.start(writable=(str(place / "granted"),))
    with peer.end:
        assert "Errno 40" in peer.ask(f"open('{place}/granted/link')").replace("OSError(40", "Errno 40")
        assert "PermissionError" in peer.ask(f"os.symlink('/etc/passwd', '{place}/granted/mine')")
        assert "PermissionError" in peer.ask(f"os.link('{place}/granted/file', '{place}/granted/mine')")


async def test_devices_below_a_grant_cannot_be_opened(rig: Rig, place: Path) -> None:
    os.mknod(place / "granted/device", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (place / "granted/device").chmod(0o666)
    for number, how in enumerate(("files", "writable"), 1):
        peer = await rig.start(number, **{how: (str(place / "granted"),)})
        with peer.end:
            assert "PermissionError" in peer.ask(f"open('{place}/granted/device', 'rb')")


async def test_sockets_below_a_grant_cannot_be_spoken_to(rig: Rig, place: Path) -> None:
    peer = await rig.start(files=(str(place / "granted"),))
    with peer.end:
        assert "PermissionError" in peer.ask("socket.socket(socket.AF_UNIX)")


async def test_programs_below_a_grant_cannot_be_mapped_as_code(rig: Rig, place: Path) -> None:
    """NOEXEC, where the filter would have refused it too: asked of the kernel through statvfs."""
    peer = await rig.start(files=(str(place / "granted"),))
    with peer.end:
        flags = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_RDONLY
        assert peer.ask(f"os.statvfs('{place}/granted').f_flag & {flags}") == str(int(flags))


async def test_what_is_mounted_below_a_grant_before_or_after_its_start_stays_outside(rig: Rig, place: Path) -> None:
    for name in ("before", "after"):
        (place / "granted" / name).mkdir()
    with mounted_tmpfs(place / "granted/before"):
        (place / "granted/before/x").touch()
        peer = await rig.start(files=(str(place / "granted"),))
        with peer.end, mounted_tmpfs(place / "granted/after"):
            (place / "granted/after/x").touch()
            for name in ("before", "after"):
                assert peer.ask(f"os.listdir('{place}/granted/{name}')") == "[]"


async def test_a_link_put_in_the_place_of_a_grant_is_refused(rig: Rig, place: Path) -> None:
    (place / "granted").rename(place / "away")
    (place / "granted").symlink_to("/etc")
    with pytest.raises(Refused, match="symbolic"):
        await rig.host.prepare(rig.launch(files=(str(place / "granted"),)))
    await rig.host.discard(1)


async def test_a_closed_place_bound_over_a_grant_is_refused(rig: Rig, place: Path) -> None:
    with bound("/etc", place / "granted"), pytest.raises(Refused, match="under another name"):
        await rig.host.prepare(rig.launch(files=(str(place / "granted"),)))
    await rig.host.discard(1)


@pytest.mark.parametrize("how", ["link", "rename", "bind"])
async def test_what_takes_the_place_of_a_grant_after_the_check_is_not_what_is_seen(
    rig: Rig, place: Path, how: str
) -> None:
    launch = rig.launch(files=(str(place / "granted"),))
    await rig.host.prepare(launch)
    (place / "evil").mkdir()
    (place / "evil/file").write_text("evil")
    if how != "bind":
        (place / "granted").rename(place / "away")
        (place / "granted").symlink_to(place / "evil") if how == "link" else (place / "evil").rename(place / "granted")
    with bound(place / "evil", place / "granted") if how == "bind" else contextlib.nullcontext():
        born = await rig.host.spawn(launch)
        with born.end:
            born.end.recv(65536)
            born.end.send(f"open('{place}/granted/file').read()".encode())
            assert born.end.recv(65536) == b"'it'"


async def test_what_is_moved_out_of_a_grant_leads_nowhere(rig: Rig, place: Path) -> None:
    (place / "granted/deep").mkdir()
    peer = await rig.start(files=(str(place / "granted"),))
    with peer.end:
        assert peer.ask(f"os.chdir('{place}/granted/deep')") == "None"
        (place / "granted/deep").rename(place / "deep")
        for attempt in ("os.listdir('..')", "open('../beside')", "os.chdir('..')"):
            assert "FileNotFound" in peer.ask(attempt)


async def test_the_end_of_an_instance_touches_nothing_by_its_path(rig: Rig, place: Path) -> None:
    (place / "precious").mkdir()
    (place / "precious/file").write_text("kept")
    peer = await rig.start(writable=(str(place / "granted"),))
    peer.end.close()
    (place / "granted").rename(place / "away")
    (place / "granted").symlink_to(place / "precious")
    await rig.host.discard(1)
    assert (place / "precious/file").read_text() == "kept"
    assert (place / "away/file").read_text() == "it"
