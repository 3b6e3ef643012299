"""What the kernel is told: made-up groups with all controllers, with some, and this host's own."""

from pathlib import Path

import pytest

from exod.brokers.resources.kernel import Kernel
from exod.linux import cgroupfs
from exod.package.limits import Limits

CPU = ("cpu.max",)
MEMORY = ("memory.max", "memory.swap.max", "memory.oom.group")


class Fake:
    """cgroup v2 as plain files: a group that is made has the files of the controllers that were asked for above it."""

    def __init__(self, root: Path, *offered: str) -> None:
        self.top, self.instances, self._offered = root / "top", root / "top/instances", offered
        self.asked: list[tuple[str, str]] = []
        self.instances.mkdir(parents=True)

    def write(self, group: Path, name: str, text: str) -> None:
        if name == "cgroup.subtree_control":
            self.asked.append((group.name, text))
            if not any(file.startswith(f"{text[1:]}.") for file in self._offered):
                raise FileNotFoundError(text)
            return
        if name not in self._offered:
            raise FileNotFoundError(name)
        (group / name).write_text(text)

    def remove(self, group: Path) -> None:
        for file in group.iterdir():
            file.unlink()
        group.rmdir()


def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *offered: str) -> tuple[Kernel, Fake]:
    fake = Fake(tmp_path, *offered)
    monkeypatch.setattr(cgroupfs, "write", fake.write)
    monkeypatch.setattr(cgroupfs, "remove", fake.remove)
    monkeypatch.setattr("exod.brokers.resources.facts.disk_of", lambda _: "8:0")
    made = Kernel(tmp_path)
    made.begin(fake.top, fake.instances)
    return made, fake


def told(made: Kernel, fake: Fake, limits: Limits) -> dict[str, str]:
    group = fake.instances / "i-1"
    group.mkdir()
    made.hold(group, limits)
    return {file.name: file.read_text() for file in group.iterdir()}


def test_with_every_controller_every_limit_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fake = kernel(tmp_path, monkeypatch, *MEMORY, *CPU, "pids.max", "io.max")
    assert (made.held, made.lacks) == (frozenset(["memory", "cpu", "tasks", "io"]), {})
    assert fake.asked[:4] == [("top", "+cpu"), ("top", "+io"), ("top", "+memory"), ("top", "+pids")]
    assert fake.asked[4:] == [("instances", text) for _, text in fake.asked[:4]]
    found = told(made, fake, Limits(memory=5 << 20, tasks=3, io=4096))
    assert (found["memory.max"], found["memory.swap.max"], found["memory.oom.group"]) == (str(5 << 20), "0", "1")
    assert (found["pids.max"], found["io.max"]) == ("3", "8:0 rbps=4096 wbps=4096")
    assert not (fake.instances / "probe").exists()


def test_what_a_host_does_not_take_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fake = kernel(tmp_path, monkeypatch, "memory.max", "pids.max")
    assert made.held == frozenset(["memory", "tasks"])
    assert "no controller for cpu, io:" in made.lacks["limits"]
    assert set(told(made, fake, Limits())) == {"memory.max", "pids.max"}


def test_until_it_began_nothing_is_held(tmp_path: Path) -> None:
    made = Kernel(tmp_path)
    assert made.held == frozenset()
    assert "memory, pids, cpu, io" in made.lacks["limits"]


@pytest.mark.parametrize(
    ("events", "starved"),
    [
        ("low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 1\n", True),
        ("low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\noom_group_kill 0\n", False),
        ("low 0\nhigh 0\nmax 9\noom 0\noom_kill 0\noom_group_kill 0\n", False),
    ],
)
def test_only_who_met_the_own_limit_starved(tmp_path: Path, events: str, starved: bool) -> None:
    (tmp_path / "memory.events").write_text(events)
    assert Kernel(tmp_path).starved(tmp_path) is starved


def test_without_the_controller_nobody_starves(tmp_path: Path) -> None:
    assert not Kernel(tmp_path).starved(tmp_path)
