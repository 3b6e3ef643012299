"""THREATS 24 for the store: kill -9 at every call that changes a file, SQLite's included, in a real process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.state.store import Store
from tests.exod.state import killed
from tests.exod.state.judging import verify
from tests.exod.state.powercut import copy

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("killpoint") / "killpoint.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(built), str(HERE / "killpoint.c")]
    subprocess.run(command, check=True)
    return built


@pytest.fixture
def memory() -> Iterator[Path]:
    """What a killed process wrote is there without any sync, so that a disk would only take time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="exod-killed-") as place:
        os.mkdir(Path(place, "lib"), 0o700)
        yield Path(place, "lib")


@pytest.fixture
def driver(library: Path) -> Iterator["subprocess.Popen[str]"]:
    environment = os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.exod.state.killed"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdin=pipe, stdout=pipe) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(10) == 0


def run(driver: "subprocess.Popen[str]", at: int, root: Path) -> tuple[str, int]:
    assert driver.stdin
    assert driver.stdout
    driver.stdin.write(f"{at} {root}\n")
    driver.stdin.flush()
    how, *_, count = driver.stdout.readline().split()
    return how, int(count)


@pytest.mark.slow
async def test_killed_at_any_call_the_store_has_all_that_came_back_and_no_half_of_the_rest(
    memory: Path, driver: "subprocess.Popen[str]"
) -> None:
    async with Store.open(memory, data_uid=killed.UID) as store:
        await store.trust_file.load(generation=0)
    at, how = 0, "killed"
    while how == "killed":
        at += 1
        place = memory.with_name(f"lib.{at}")
        copy(memory, place)
        how, came_back = run(driver, at, place)
        async with Store.open(place, data_uid=killed.UID) as store:
            found = await killed.found(store, place)
        assert found == sorted(found, reverse=True), f"at {at}: a later step is there without an earlier one"
        assert sum(found) in (came_back, came_back + 1), f"at {at}: {found}"
        assert verify(place / "audit").holds, f"at {at}"
    assert how == "done"
    assert all(found)
    assert at > 60, "the calls are seen"
