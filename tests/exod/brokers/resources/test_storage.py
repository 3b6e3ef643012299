"""How much of a disk a hostile tree takes."""

import os
from pathlib import Path

import pytest

from exod.brokers.resources import storage

LOTS = 1 << 40


def test_files_count_by_their_blocks_and_their_entry(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    (tmp_path / "b/c").mkdir(parents=True)
    (tmp_path / "b/c/d").write_bytes(b"x")
    found = storage.size(str(tmp_path), enough=LOTS)
    assert 100_000 + 4 * storage.ENTRY <= found < 130_000


def test_what_is_said_to_be_large_and_takes_nothing_counts_as_nothing(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert storage.size(str(tmp_path), enough=LOTS) < 65536


def test_empty_files_are_not_free(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert storage.size(str(tmp_path), enough=LOTS) >= 100 * storage.ENTRY


def test_nobody_looks_further_than_enough(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / str(number)).touch()
    assert storage.size(str(tmp_path), enough=10 * storage.ENTRY) == 10 * storage.ENTRY


def test_links_lead_nowhere(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "large").write_bytes(bytes(1 << 20))
    os.symlink(outside, inside / "link")
    assert storage.size(str(inside), enough=LOTS) < 65536
    assert storage.size(str(inside / "link"), enough=LOTS) == 0


def test_a_tree_that_is_deeper_than_any_honest_one_counts_as_too_much(tmp_path: Path) -> None:
    (tmp_path / "/".join(["d"] * (storage.DEPTH - 1))).mkdir(parents=True)
    assert storage.size(str(tmp_path), enough=LOTS) < LOTS
    (tmp_path / "/".join(["d"] * storage.DEPTH)).mkdir(parents=True)
    assert storage.size(str(tmp_path), enough=LOTS) == storage.TOO_DEEP


def test_a_plugin_without_a_directory_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert storage.size(str(tmp_path / "none"), enough=LOTS) == storage.size(str(tmp_path / "file"), enough=LOTS) == 0


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "/".join(["d"] * (storage.DEPTH + 5))).mkdir(parents=True)
    before = os.listdir("/proc/self/fd")
    storage.size(str(tmp_path), enough=LOTS)
    assert os.listdir("/proc/self/fd") == before


def test_a_disk_that_fails_is_not_the_walkers_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "no")

    monkeypatch.setattr(os, "scandir", fail)
    assert storage.size(str(tmp_path), enough=LOTS) == 0
