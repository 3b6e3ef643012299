"""The runtime superblock: what keeper and sandboxes run on, and nothing else of exod."""

import os
from pathlib import Path

import pytest

from exod.sandbox import runtime
from tests.exod.sandbox.rig import STUB


def walk(top: int) -> set[str]:
    found = set()
    for directory, _, files in os.walk(f"/proc/self/fd/{top}/"):
        found |= {f"{directory}/{name}".partition(f"/{top}/")[2].lstrip("/") for name in files}
    return found


@pytest.fixture
def files() -> set[str]:
    tree = runtime.build(runtime.sources(STUB))
    found = walk(tree)
    os.close(tree)
    return found


def test_every_module_of_keeper_and_zygote_is_there(files: set[str]) -> None:
    code = {name for name in files if name.startswith("exod/code/") and name.endswith((".py", ".so"))}
    assert len(code) == len(runtime.CODE)


def test_nothing_of_trust_keys_or_policy_is_there(files: set[str]) -> None:
    assert not [name for name in files if "trust" in name or "supervisor" in name or "host" in name]


def test_the_sdk_and_what_it_needs_are_there(files: set[str]) -> None:
    for wanted in ("exosdk/runner.py", "pluggy/__init__.py", "msgspec/__init__.py"):
        assert f"exod/sdk/{wanted}" in files
    assert any(name.startswith("exod/sdk/msgspec/_core.") for name in files)


def test_the_copies_can_be_read_by_any_uid_and_written_by_none() -> None:
    tree = runtime.build(runtime.sources(STUB))
    name = "exod/code/exod/sandbox/keeper.py"
    try:
        assert os.stat(name, dir_fd=tree).st_mode & 0o777 == 0o444
        with pytest.raises(OSError, match="Read-only"):
            os.open(name, os.O_WRONLY, dir_fd=tree)
    finally:
        os.close(tree)


def test_the_tests_of_a_library_stay_outside(tmp_path: Path) -> None:
    source = tmp_path / "lib"
    (source / "testing").mkdir(parents=True)
    for name in ("a.py", "b.txt", "testing/c.py"):
        (source / name).touch()
    assert [name for name, _ in runtime._tree(source)] == ["a.py"]


def test_a_missing_library_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        runtime._library("no_such_thing")


def test_a_failure_on_the_way_leaves_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.py").touch()
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="exists"):
        runtime.build([tmp_path / "x", tmp_path / "x"])
    assert os.listdir("/proc/self/fd") == before
