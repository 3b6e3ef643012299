import os
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state.directory import Directory
from tests.exod.state import powercut


def refusal(code: str, work: object) -> str:
    with pytest.raises(Refused) as caught:
        work()  # type: ignore[operator]
    assert caught.value.refusal.code == code
    return caught.value.refusal.sentence


def test_what_is_replaced_is_read_back(root: Path) -> None:
    with Directory.open(root) as directory:
        directory.replace("state.json", b"one")
        directory.replace("state.json", b"two")
        assert directory.read("state.json", limit=10) == b"two"
    assert (root / "state.json").stat().st_mode & 0o777 == 0o600
    assert os.listdir(root) == ["state.json"]


def test_what_is_not_there_is_none(root: Path) -> None:
    with Directory.open(root) as directory:
        assert directory.read("nothing", limit=10) is None
        assert not directory.has("nothing")
        directory.remove("nothing")
        directory.remove_empty("nothing")


def test_a_missing_directory_is_made_private_only_when_asked(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Directory.open(root / "new")
    Directory.open(root / "new", make=True).close()
    assert (root / "new").stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileNotFoundError):
        Directory.open(root / "a" / "b", make=True)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_directory_that_others_may_write_is_refused(root: Path, mode: int) -> None:
    root.chmod(mode)
    assert "others may write it" in refusal("store-insecure", lambda: Directory.open(root))


def test_a_parent_that_others_may_write_is_refused(root: Path) -> None:
    (root / "below").mkdir(mode=0o700)
    root.chmod(0o777)
    assert str(root) in refusal("store-insecure", lambda: Directory.open(root / "below"))


def test_a_sticky_parent_of_root_is_no_danger(root: Path) -> None:
    (root / "below").mkdir(mode=0o700)
    root.chmod(0o1777)
    Directory.open(root / "below").close()


def test_a_directory_of_another_user_is_refused(root: Path) -> None:
    (root / "below").mkdir(mode=0o700)
    os.chown(root, 1234, 0)
    assert "uid 1234" in refusal("store-insecure", lambda: Directory.open(root / "below"))
    root.chmod(0o1777)
    refusal("store-insecure", lambda: Directory.open(root / "below"))


def test_a_directory_that_is_opened_up_later_is_refused_at_its_next_use(root: Path) -> None:
    with Directory.open(root) as directory:
        directory.replace("file", b"x")
        root.chmod(0o777)
        refusal("store-insecure", lambda: directory.read("file", limit=10))
        refusal("store-insecure", lambda: directory.replace("file", b"y"))


def test_a_link_is_refused_anywhere_on_the_way(root: Path) -> None:
    (root / "real" / "inner").mkdir(parents=True, mode=0o700)
    (root / "real").chmod(0o700)
    (root / "link").symlink_to(root / "real")
    refusal("store-insecure", lambda: Directory.open(root / "link"))
    refusal("store-insecure", lambda: Directory.open(root / "link" / "inner"))


def test_a_linked_file_is_refused(root: Path) -> None:
    (root / "link").symlink_to("/etc/hostname")
    with Directory.open(root) as directory:
        refusal("store-insecure", lambda: directory.read("link", limit=1 << 20))


def test_a_fifo_or_a_directory_is_no_file_and_hangs_nobody(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "directory").mkdir()
    with Directory.open(root) as directory:
        refusal("store-insecure", lambda: directory.read("fifo", limit=10))
        refusal("store-insecure", lambda: directory.read("directory", limit=10))


def test_a_socket_is_no_file(root: Path) -> None:
    os.mknod(root / "device", 0o600 | 0o020000, os.makedev(1, 5))
    with Directory.open(root) as directory:
        refusal("store-insecure", lambda: directory.read("device", limit=10))


@pytest.mark.parametrize(("mode", "uid"), [(0o620, 0), (0o602, 0), (0o600, 1234)])
def test_a_file_that_others_may_write_is_refused(root: Path, mode: int, uid: int) -> None:
    (root / "file").write_bytes(b"x")
    (root / "file").chmod(mode)
    os.chown(root / "file", uid, 0)
    with Directory.open(root) as directory:
        refusal("store-insecure", lambda: directory.read("file", limit=10))


def test_a_file_over_the_limit_is_refused_before_it_is_read(root: Path) -> None:
    with open(root / "file", "wb") as file:
        file.truncate(1 << 40)
    with Directory.open(root) as directory:
        refusal("file-too-large", lambda: directory.read("file", limit=1 << 20))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\0b"])
def test_a_name_is_one_component(root: Path, name: str) -> None:
    with Directory.open(root) as directory, pytest.raises(ValueError, match="internal error"):
        directory.read(name, limit=10)


def test_a_move_replaces_and_says_whether_there_was_anything(root: Path) -> None:
    with Directory.open(root) as directory, directory.child("there", make=True) as there:
        directory.replace("a", b"new")
        there.replace("b", b"old")
        assert directory.move("a", to=there, name_there="b")
        assert not directory.move("a", to=there, name_there="b")
        assert there.read("b", limit=10) == b"new"


def test_leftovers_are_swept_and_never_listed(root: Path) -> None:
    (root / ".file.new").write_bytes(b"half")
    (root / ".trash").mkdir()
    with Directory.open(root) as directory:
        directory.replace("file", b"x")
        (root / ".other.new").write_bytes(b"half")
        assert directory.names() == ["file"]
        directory.sweep()
    assert sorted(os.listdir(root)) == [".trash", "file"]


def test_closing_twice_is_fine(root: Path) -> None:
    directory = Directory.open(root)
    directory.close()
    directory.close()


@pytest.mark.parametrize("end", powercut.ENDS)
async def test_a_replace_that_is_interrupted_leaves_the_old_or_the_new(root: Path, end: str) -> None:
    (root / "file").write_bytes(b"old")
    (root / "file").chmod(0o600)

    async def replace(place: Path) -> None:
        with Directory.open(place) as directory:
            directory.replace("file", b"new" * 1000)

    for disk in powercut.points(root, end=end):
        completed = await powercut.run(replace, disk)
        with Directory.open(disk.root) as directory:
            found = directory.read("file", limit=1 << 20)
            assert found == b"new" * 1000 if completed else found in (b"old", b"new" * 1000)
            directory.sweep()
        assert os.listdir(disk.root) == ["file"]
    assert disk.count == 6, "unlink of a leftover, open, write, fsync, rename, fsync"
