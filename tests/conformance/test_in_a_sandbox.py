"""Every plugin room behind real walls: it loads from its directory, lives through its states, and is gone after."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk.testing.daemon import CommandFailed, Daemon
from exosdk.testing.sandbox import Sandboxed, sandbox
from tests.conformance.test_every_plugin import ROOMS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("sandbox") / "dev") as running:
        yield running


def state(plugin: Sandboxed) -> Any:
    return plugin.verb("info")["state"]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_it_lives_through_every_state(room: Path, daemon: Daemon) -> None:
    with sandbox(room, daemon=daemon) as plugin:
        seen = [state(plugin)]
        for verb in ("suspend", "resume", "stop", "start"):
            plugin.verb(verb)
            seen.append(state(plugin))
        assert seen == [3, 4, 3, 2, 3]
    assert plugin.verb("info")["process_id"] == 0


def test_what_a_plugin_keeps_survives_its_instance(daemon: Daemon) -> None:
    (echo,) = [room for room in ROOMS if room.name == "echo"]
    with sandbox(echo, daemon=daemon) as plugin:
        plugin.call("Remember", "milk", "two litres")
    with sandbox(echo, daemon=daemon) as plugin:
        assert plugin.call("Recall", "milk") == "two litres"


def test_what_a_plugin_raises_reaches_its_caller_and_nobody_else(daemon: Daemon) -> None:
    (echo,) = [room for room in ROOMS if room.name == "echo"]
    with sandbox(echo, daemon=daemon) as plugin:
        with pytest.raises(CommandFailed) as caught:
            plugin.call("Recall", "nothing")
        assert "KeyError" in caught.value.error["sentence"]
        assert state(plugin) == 3
