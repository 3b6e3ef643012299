"""What is read of an instance: of a made-up cgroup with every controller, and of a real process without any."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.brokers.resources import facts
from exod.brokers.resources.facts import Gone, Instance

ALL = frozenset(["memory", "tasks", "cpu", "io"])
FILES = {
    "cpu.stat": "usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\nnr_periods 0\n",
    "memory.current": "7340032\n",
    "memory.stat": "anon 1048576\nfile 6291456\ninactive_file 4194304\nactive_file 2097152\n",
    "pids.current": "3\n",
    "pids.events": "max 5\n",
    "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n",
    "cpu.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "memory.pressure": "some avg10=0.25 avg60=0.00 avg300=0.00 total=7\n",
    "cpu.max": "max 100000\n",
    "cgroup.procs": f"{os.getpid()}\n",
}


@pytest.fixture
def group(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def process(group: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that has done all it will ever do: it has answered, and waits."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"ready")
        assert process.stdout.read(5) == b"ready"
        (group / "cgroup.procs").write_text(f"{process.pid}\n")
        yield process
        process.kill()


def test_where_there_are_controllers_the_cgroup_says_it_all(group: Path) -> None:
    found = Instance(group, os.getpid(), held=ALL).read(memory_allowed=64 << 20)
    assert (found.memory, found.sure, found.cpu_time) == (7 << 20, True, 123456)
    assert (found.tasks, found.refused, found.transferred) == (3, 5, 4096 + 8192 + 1 + 2)
    assert found.files == len(os.listdir("/proc/self/fd")) - 1
    assert found.age > 0


def test_memory_that_could_be_had_back_does_not_count_where_it_matters(group: Path) -> None:
    assert Instance(group, os.getpid(), held=ALL).read(memory_allowed=8 << 20).memory == 1 << 20


def test_where_there_are_none_proc_says_what_is_needed(group: Path, process: subprocess.Popen[bytes]) -> None:
    for name in ("memory.current", "pids.current", "io.stat"):
        (group / name).unlink()
    found = Instance(group, process.pid, held=()).read(memory_allowed=1)
    assert (found.tasks, found.refused, found.sure) == (1, 0, False)
    assert 0 < found.memory < 8 << 20
    assert found.transferred >= 0


def test_what_its_children_use_is_its_own_use(group: Path, process: subprocess.Popen[bytes]) -> None:
    alone = Instance(group, process.pid, held=()).read(memory_allowed=1)
    (group / "cgroup.procs").write_text(f"{process.pid}\n{process.pid}\n2147483647\n{os.getpid()}")
    both = Instance(group, process.pid, held=())
    found = both.read(memory_allowed=1)
    assert (found.tasks, found.files) == (2 * alone.tasks, 2 * alone.files)
    assert (found.memory, found.transferred) == (2 * alone.memory, 2 * alone.transferred)


def test_what_a_fork_shares_with_its_parent_is_the_instances(group: Path) -> None:
    data = b"x" * (16 << 20)
    ready, told = os.pipe()
    if (child := os.fork()) == 0:
        os.write(told, data[:1])
        while True:
            signal.pause()
    try:
        os.read(ready, 1)
        (group / "cgroup.procs").write_text(f"{os.getpid()}\n{child}\n")
        assert Instance(group, os.getpid(), held=()).private_memory() > len(data)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)


def test_what_a_process_shares_is_told_apart(group: Path) -> None:
    own = Instance(group, os.getpid(), held=()).private_memory()
    assert 1 << 20 < own < 1 << 30


def test_pressure_is_that_of_the_last_ten_seconds(group: Path) -> None:
    assert Instance(group, os.getpid(), held=ALL).pressure() == {"cpu": 1.5, "memory": 0.25}


def test_the_share_of_a_core_is_written_into_the_group(group: Path) -> None:
    Instance(group, os.getpid(), held=ALL).hold_cpu("20000 100000")
    assert (group / "cpu.max").read_text().startswith("20000 100000")


def test_one_that_has_ended_is_gone(group: Path, process: subprocess.Popen[bytes]) -> None:
    looked = Instance(group, process.pid, held=ALL)
    process.kill()
    process.wait()
    with pytest.raises(Gone):
        looked.read(memory_allowed=1)
    with pytest.raises(Gone):
        Instance(group, process.pid, held=ALL)


def test_another_process_with_its_number_is_not_it(group: Path) -> None:
    looked = Instance(group, os.getpid(), held=ALL)
    looked._born = "1"
    with pytest.raises(Gone):
        looked.read(memory_allowed=1)


def test_on_a_kernel_that_does_not_count_descriptors_they_are_listed(
    group: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Instance(group, process.pid, held=ALL).read(memory_allowed=1).files
    monkeypatch.setattr(facts, "_COUNTS_DIRECTLY", False)
    assert Instance(group, process.pid, held=ALL).read(memory_allowed=1).files == counted


def test_a_disk_is_named_as_a_whole(tmp_path: Path) -> None:
    found = facts.disk_of(tmp_path)
    assert found == "" or not (Path("/sys/dev/block") / found / "partition").exists()
    assert facts.disk_of(Path("/proc")) == ""
