"""How much of a disk a hostile tree takes."""

import os
import subprocess
import sys
from collections.abc import Iterator
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


HOLDS = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
for held in ("open", "mapped", "named"):
    file = open(f"{sys.argv[1]}/{held}", "w+b", buffering=0)
    file.write(bytes(100_000))
    if held == "mapped":
        assert libc.mmap(None, 4096, 1, 1, file.fileno(), 0) != -1
        file.close()
    if held == "open":
        again, kept = os.dup(file.fileno()), file
    if held != "named":
        os.unlink(f"{sys.argv[1]}/{held}")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[str]:
    """The pid of one that holds a file open twice and another one mapped, both unlinked, and a third with its name."""
    arguments = [sys.executable, "-c", HOLDS, str(tmp_path)]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=nothing) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield str(process.pid)
        process.kill()


def test_a_file_that_has_no_name_any_more_counts_while_it_is_open_or_mapped(tmp_path: Path, holder: str) -> None:
    device = tmp_path.stat().st_dev
    assert 200_000 <= storage.nameless([holder], device=device, enough=LOTS) < 230_000
    assert 100_000 <= storage.nameless([holder], device=device, enough=1) < 130_000


def test_what_lies_elsewhere_or_is_held_by_others_is_not_counted(tmp_path: Path, holder: str) -> None:
    device = tmp_path.stat().st_dev
    assert storage.nameless([holder], device=device + 1, enough=LOTS) == 0
    assert storage.nameless([], device=device, enough=LOTS) == 0
    assert storage.nameless(["0"], device=device, enough=LOTS) == 0
