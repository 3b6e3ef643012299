import os
from pathlib import Path

from exod.state.usage import Usage, measure


def usage(root: Path, **limits: int) -> Usage:
    return measure(os.open(root, os.O_RDONLY | os.O_DIRECTORY), **limits)


def test_nothing_takes_nothing(root: Path) -> None:
    assert usage(root) == Usage(0, 0, complete=True)


def test_blocks_are_counted_and_not_lengths(root: Path) -> None:
    (root / "real").write_bytes(b"x" * 8192)
    with open(root / "sparse", "wb") as file:
        file.truncate(1 << 40)
    found = usage(root)
    assert 8192 <= found.bytes < 1 << 20
    assert found.entries == 2


def test_a_file_with_two_names_counts_once(root: Path) -> None:
    (root / "a").write_bytes(b"x" * 8192)
    once = usage(root).bytes
    os.link(root / "a", root / "b")
    assert usage(root).bytes == once


def test_no_link_is_followed(root: Path) -> None:
    (root / "link").symlink_to("/usr")
    assert usage(root).entries == 1


def test_more_entries_than_are_counted_is_said(root: Path) -> None:
    for number in range(9):
        (root / str(number)).touch()
    assert usage(root, entries_max=9).complete
    assert not usage(root, entries_max=8).complete


def test_more_levels_than_are_counted_is_said(root: Path) -> None:
    (root / "1" / "2" / "3").mkdir(parents=True)
    assert usage(root, depth_max=4).complete
    assert usage(root, depth_max=3).complete, "an empty level needs no look"
    assert not usage(root, depth_max=2).complete


def test_every_descriptor_is_closed(root: Path) -> None:
    (root / "1" / "2").mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd"))
    usage(root)
    assert len(os.listdir("/proc/self/fd")) == before
