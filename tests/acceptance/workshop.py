"""What a vendor and an administrator do around a daemon: make keys, trust them, build and sign, look at the audit."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exosdk.testing.daemon import Daemon

ROOT = Path(__file__).resolve().parents[2]


class Workshop:
    """Works in `directory`, which is private to it; asks through exoctl and busctl only."""

    def __init__(self, daemon: Daemon, directory: Path) -> None:
        self.daemon = daemon
        self.directory = directory
        self._phrase = directory / "phrase"
        self._phrase.touch(mode=0o600)
        self._phrase.write_text("a demo, no secret\n")

    def key(self, name: str, *, scope: str, allow: tuple[str, ...] = ("filesystem=read-only:/proc/*", "ipc=*")) -> None:
        """A signing key; trusted for `scope`, up to the permissions in `allow`, unless the scope is empty."""
        secret = self.directory / f"{name}.key"
        self.daemon.exoctl("key", "new", str(secret), "--name", name, "--passphrase-file", str(self._phrase))
        if scope:
            may = ("--scope", scope, "--interface", "org.exoos.", *(word for one in allow for word in ("--allow", one)))
            self.daemon.exoctl("key", "trust", str(secret.with_suffix(".pub")), "--name", name, *may)

    def package(self, source: Path, *, key: str) -> Path:
        """The plugin room `source`, built and signed."""
        target = self.directory / f"{source.name}-{key}.exopkg"
        with_key = ("--key", str(self.directory / f"{key}.key"), "--passphrase-file", str(self._phrase))
        self.daemon.exoctl("package", "build", str(source), "-o", str(target), *with_key)
        return target

    def plugin(self, name: str, *, key: str) -> Path:
        """A first-party plugin, built and signed."""
        return self.package(ROOT / "plugins" / name, key=key)

    def state(self, plugin: str) -> str:
        """The name of its state; "absent" while it is not installed."""
        rows = {row["name"]: row["state_name"] for row in self.daemon.exoctl("plugin", "list")}
        return str(rows.get(plugin, "absent"))

    def await_state(self, plugin: str, state: str, *, deadline: float = 10.0) -> None:
        """Returns when it is in that state; raises TimeoutError."""
        self._until(lambda: self.state(plugin) == state, f"{plugin} in {state}", deadline)

    def await_process(self, plugin: str, *, other_than: int, deadline: float = 10.0) -> int:
        """The pid of its next instance."""
        found = 0

        def came() -> bool:
            nonlocal found
            found = self.daemon.exoctl("plugin", "info", plugin)["process_id"]
            return found not in (0, other_than)

        self._until(came, f"another process of {plugin}", deadline)
        return found

    @staticmethod
    def _until(happened: Callable[[], bool], what: str, deadline: float) -> None:
        """Asks again and again: each question takes a process, which is pause enough."""
        until = time.monotonic() + deadline
        while not happened():
            if time.monotonic() > until:
                raise TimeoutError(what)

    def reload(self) -> None:
        """Trust and policies are read again; returns when they are in force."""
        where = ("org.exoos.Exod1", "/org/exoos/Exod1", "org.exoos.Exod1.Manager", "Reload")
        done = self.daemon.run(["busctl", f"--address={self.daemon.environment['EXOD_BUS_ADDRESS']}", "call", *where])
        assert done.returncode == 0, done.stderr

    def properties(self, plugin: str, service: str, interface: str) -> dict[str, Any]:
        """All properties of a plugin's service, read by busctl."""
        address = self.daemon.environment["EXOD_BUS_ADDRESS"]
        path = f"/org/exoos/Exod1/service/{plugin}/{service}"
        asked = ["org.freedesktop.DBus.Properties", "GetAll", "s", interface]
        command = ["busctl", f"--address={address}", "--json=short", "call", "org.exoos.Exod1", path, *asked]
        return {name: cell["data"] for name, cell in json.loads(self.daemon.run(command).stdout)["data"][0].items()}

    def audit(self) -> list[dict[str, Any]]:
        """Every record so far, oldest first."""
        files = sorted((self.daemon.directory / "lib/audit").glob("audit-*"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]
