"""What the test kit asks of exoctl to run a plugin behind its walls."""

from pathlib import Path
from typing import Any

import pytest

from exosdk.testing import sandbox as kit
from exosdk.testing.sandbox import sandbox

ECHO = Path(__file__).parents[3] / "plugins" / "echo"


class Recorder:
    """A daemon that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def exoctl(self, *arguments: str) -> Any:
        self.asked.append(arguments)
        return len(self.asked)


def test_a_plugin_is_tried_called_and_unloaded() -> None:
    daemon = Recorder()
    with sandbox(ECHO, daemon=daemon) as echo:
        assert echo.call("Echo", "-hello") == 2
        echo.call("Mix", 1, True, ["a"])
        echo.configure(prefix="> ", notes=3)
        echo.verb("suspend")
    assert daemon.asked == [
        ("plugin", "try", str(ECHO)),
        ("plugin", "call", "echo", "Echo", "--", "-hello"),
        ("plugin", "call", "echo", "Mix", "--", "1", "true", '["a"]'),
        ("plugin", "config", "echo", "prefix=> ", "notes=3"),
        ("plugin", "suspend", "echo"),
        ("plugin", "unload", "echo"),
    ]


def test_it_is_unloaded_when_the_test_fails() -> None:
    daemon = Recorder()
    with pytest.raises(AssertionError), sandbox(ECHO, daemon=daemon):
        raise AssertionError("as a test does")
    assert daemon.asked[-1] == ("plugin", "unload", "echo")


def test_without_a_daemon_it_starts_one_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    life: list[str] = []

    class Fake(Recorder):
        def __init__(self, directory: Path) -> None:
            super().__init__()
            assert not directory.exists()

        def __enter__(self) -> "Fake":
            life.append("started")
            return self

        def __exit__(self, *_: object) -> None:
            life.append("stopped")

    monkeypatch.setattr(kit, "Daemon", Fake)
    with sandbox(ECHO) as echo:
        life.append(echo.name)
    assert life == ["started", "echo", "stopped"]
