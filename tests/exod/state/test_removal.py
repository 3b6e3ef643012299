import os
import resource
import tempfile
from pathlib import Path

import pytest

from exod.state.removal import remove_tree
from tests.exod.state import powercut


def remove(name: str, *, within: Path) -> None:
    fd = os.open(within, os.O_RDONLY | os.O_DIRECTORY)
    try:
        remove_tree(name, within=fd)
    finally:
        os.close(fd)


def plant(root: Path) -> Path:
    """A tree with everything a plugin can make, beside a file that must stay."""
    tree = root / "gone" / "tree"
    (tree / "a" / "b" / "c").mkdir(parents=True)
    (tree / "a" / "x").mkdir()
    (tree / "x").mkdir()
    (root / "keep").write_bytes(b"keep")
    (tree / "a" / "file").write_bytes(b"x")
    (tree / "a" / "link").symlink_to(root / "keep")
    (tree / "a" / "linked-directory").symlink_to(root)
    os.link(root / "keep", tree / "a" / "hard")
    (tree / os.fsdecode(b"\xff\n")).write_bytes(b"")
    return root / "gone"


def test_a_tree_goes_and_nothing_it_points_at(root: Path) -> None:
    gone = plant(root)
    os.mkfifo(gone / "tree" / "x" / "fifo")
    remove("tree", within=gone)
    assert os.listdir(gone) == []
    assert (root / "keep").read_bytes() == b"keep"


def test_what_is_no_directory_or_not_there_is_fine(root: Path) -> None:
    (root / "link").symlink_to("/etc")
    remove("link", within=root)
    remove("nothing", within=root)
    assert os.listdir(root) == []


def test_a_very_deep_tree_takes_neither_stack_nor_descriptors() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        here = os.open(place, os.O_RDONLY)
        for _ in range(2000):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            remove("d", within=Path(place))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert os.listdir(place) == []


@pytest.mark.parametrize("end", ["kill", "EIO"])
async def test_an_interrupted_removal_is_completed_by_the_next(root: Path, end: str) -> None:
    plant(root)

    async def empty(place: Path) -> None:
        for name in os.listdir(place / "gone"):
            remove(name, within=place / "gone")

    for disk in powercut.points(root, end=end):
        await powercut.run(empty, disk)
        await empty(disk.root)
        assert os.listdir(disk.root / "gone") == []
        assert (disk.root / "keep").exists()
