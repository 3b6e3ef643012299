"""A plugin's directory → the plugin in a real sandbox of a development daemon, driven by `exoctl --json`. Needs root.

    with sandbox(".") as plugin:
        assert plugin.call("Greet", "Ada") == "hello Ada"

Builds, signs with the daemon's own key, loads and starts; unloads and stops the daemon at the end. What exoctl refuses
is CommandFailed.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from exosdk.testing import manifest
from exosdk.testing.daemon import Daemon


class Commands(Protocol):
    """What this needs of a daemon."""

    def exoctl(self, *arguments: str) -> Any: ...


class Sandboxed:
    """A plugin that runs behind its walls. `name` is its own."""

    def __init__(self, name: str, *, daemon: Commands) -> None:
        self.name = name
        self._daemon = daemon

    def call(self, method: str, *arguments: Any) -> Any:
        """A declared method by its D-Bus name; several results come as a list, none as None."""
        return self._daemon.exoctl("plugin", "call", self.name, method, "--", *map(_word, arguments))

    def configure(self, **values: Any) -> None:
        self._daemon.exoctl(
            "plugin", "config", self.name, *(f"{name}={_word(value)}" for name, value in values.items())
        )

    def verb(self, verb: str) -> Any:
        """`start`, `stop`, `suspend`, `resume`, `info`, `logs` …: what `exoctl plugin VERB NAME` prints."""
        return self._daemon.exoctl("plugin", verb, self.name)


@contextlib.contextmanager
def sandbox(directory: str | Path, *, daemon: Commands | None = None) -> Iterator[Sandboxed]:
    """Uses `daemon` if it is given and running; else starts one of its own and stops it afterwards."""
    with contextlib.ExitStack() as stack:
        if daemon is None:
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="exod-"))
            daemon = stack.enter_context(Daemon(Path(place) / "dev"))
        name = manifest.read(Path(directory))["package"]["name"]
        daemon.exoctl("plugin", "try", str(directory))
        plugin = Sandboxed(name, daemon=daemon)
        try:
            yield plugin
        finally:
            plugin.verb("unload")


def _word(value: Any) -> str:
    """As exoctl reads it: text as it stands, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
