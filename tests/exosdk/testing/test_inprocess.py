"""The test kit, seen from a plugin's author."""

import sys
from pathlib import Path

import pytest

from exosdk.testing import InProcess, UnusableError

MANIFEST = """
[package]
name = "counter"
version = "1.0"
type = "custom"
[entry]
python = "counter:Counter"
[config]
step = {type = "integer", default = 1}
[services.counter]
interface = "org.example.Counter1"
methods.Add = {in = "i", out = "i"}
methods.Both = {out = "ii"}
methods.Reset = {}
methods.Tell = {out = "s"}
signals.Overflow = "i"
properties.Total = {type = "i", access = "readwrite"}
"""
CODE = """
from exosdk import Context, hookimpl

class Counter:
    def __init__(self, context: Context) -> None:
        self.context, self.total = context, 0

    @hookimpl
    def start(self):
        self.context.log.info("counting")
        self.context.every(1.0, self.tick)

    def tick(self):
        self.add(self.context.config["step"])

    def add(self, amount: int) -> int:
        self.total += amount
        self.context.changed("Total")
        if self.total > 100:
            self.context.emit("Overflow", self.total)
        return self.total

    def both(self): return (self.total, -self.total)
    def reset(self): self.total = 0
    def tell(self): return str(self.context.caller)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "package.toml").write_text(MANIFEST)
    (tmp_path / "code" / "counter.py").write_text(CODE)
    return tmp_path


def test_methods_return_none_one_or_several_values(directory: Path) -> None:
    with InProcess(directory) as counter:
        assert counter.call("Add", 2) == 2
        assert counter.call("Both") == [2, -2]
        assert counter.call("Reset") is None
        assert counter.call("Tell", caller=(":1.9", 1000)) == "(':1.9', 1000)"


def test_timers_run_as_the_clock_is_moved(directory: Path) -> None:
    with InProcess(directory, config={"step": 5}) as counter:
        counter.start()
        counter.advance(3.5)
        assert counter.get("Total") == 15
        assert counter.changes == [{"Total": 5}, {"Total": 10}, {"Total": 15}]
        counter.stop()
        counter.advance(10)
        assert counter.get("Total") == 15


def test_what_the_plugin_says_is_kept(directory: Path) -> None:
    with InProcess(directory) as counter:
        counter.start()
        counter.set("Total", 100)
        counter.call("Add", 1)
        assert counter.signals == [("Overflow", [101])]
        assert counter.log == ["counting"]
        assert counter.hooks == ("start",)
        assert counter.object.total == 101


def test_members_that_no_service_declares_cannot_be_reached(directory: Path) -> None:
    with InProcess(directory) as counter, pytest.raises(KeyError, match="no service declares Tick"):
        counter.call("Tick")


def test_a_result_that_could_not_be_sent_fails_here_too(directory: Path) -> None:
    with InProcess(directory) as counter:
        counter.object.total = object()
        with pytest.raises(ValueError, match="cannot be sent"):
            counter.get("Total")


def test_a_plugin_that_differs_from_its_manifest_is_unusable(directory: Path) -> None:
    (directory / "package.toml").write_text(MANIFEST.replace("methods.Tell", "methods.Told"))
    before = list(sys.path)
    with pytest.raises(UnusableError, match="no method told"), InProcess(directory):
        raise AssertionError("loaded")
    assert sys.path == before


def test_its_modules_are_forgotten_and_those_of_others_are_back(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = type(sys)("counter")
    monkeypatch.setitem(sys.modules, "counter", other)
    with InProcess(directory):
        assert sys.modules["counter"] is not other
    assert sys.modules["counter"] is other
