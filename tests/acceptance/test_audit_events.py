"""Every type of the audit's table, produced by a daemon in the way in which a host produces it, and read by exoctl.

One short life of one plugin: loaded, configured, denied, lying, robbed of a file, killed, taken over, asking without
end, over a limit, stopped. What a life is too short for names the test that produces it.
"""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exoctl.trustfiles import anchor_file
from exod.state.events import EVENTS
from exosdk.testing.daemon import CommandFailed, Daemon
from tests import builders
from tests.shape import tree

ELSEWHERE: Mapping[str, str] = {
    "audit-pruned": "tests/exod/state/test_audit.py::test_the_chain_goes_on_across_files_and_says_what_it_pruned",
}
NOBODY = "cannot link teller with nobody: it does not run, or takes no links"
TOLD: Mapping[str, Mapping[str, str]] = {
    "audit-opened": {"remark": ""},
    "daemon": {"what": "start"},
    "trust": {"change": "reload", "changes": "anchors: 1 new, 0 gone, 1 in force; policies: changed for teller"},
    "request": {"subject": "/org/exoos/Exod1 Load", "uid": "0"},
    "verdict": {
        "plugin": "teller",
        "anchor": "stage",
        "level": "trusted",
        "grants": "filesystem:read-only:/proc/stat, network:tcp:127.0.0.1:PORT, config:read:system.hostname",
    },
    "state": {"plugin": "teller", "old": "loaded", "new": "running"},
    "job": {"kind": "load", "plugin": "teller", "state": "done", "uid": "0"},
    "refused": {"subject": "load stranger", "code": "signer-unknown", "uid": "0"},
    "config": {"plugin": "teller", "keys": "mood"},
    "setting": {"plugin": "teller", "use": "read", "key": "system.hostname", "refused": ""},
    "connection": {"plugin": "teller", "to": "127.0.0.1:PORT", "address": "127.0.0.1", "refused": ""},
    "link": {"plugin": "teller", "to": "nobody", "refused": NOBODY},
    "strike": {"plugin": "teller", "reason": "it answered ping 77, which was not sent"},
    "revoke": {"plugin": "teller", "permissions": "filesystem read-only:/proc/stat"},
    "exit": {"plugin": "teller", "cause": "signal", "status": "9", "expected": "False"},
    "fault": {"plugin": "teller", "code": "instance-ended", "evidence.cause": "signal"},
    "restart": {"plugin": "teller", "attempt": "1"},
    "adopt": {"plugin": "teller", "state": "running"},
    "limit": {"plugin": "teller", "limit": "files", "ends": "True"},
    "audit-flood": {"event": "setting", "by": "plugin teller"},
    "audit-closed": {},
}
"""Event → what one record of it says; its source is the table's."""
CODE = b"""
import os

from exosdk import wire


class Teller:
    def __init__(self, context):
        self.context, self.answers, self.kept = context, 0, []

    def ask(self, key):
        self.context.read_setting(key, self.told)

    def told(self, value, refused):
        self.kept.append(value)
        self.answers += "a second" not in refused

    def connect(self, port):
        self.context.connect("127.0.0.1", port, self.told)
        self.context._ask("link", "nobody", None, lambda *_: None)

    def answered(self):
        return self.answers

    def insist(self):
        self.timer = self.context.every(0.02, lambda: self.ask("system.hostname"))

    def lie(self):
        self.context._send(wire.Pong(77))

    def hoard(self):
        self.timer.cancel()
        try:
            while True:
                self.kept.append(os.dup(0))
        except OSError:
            pass
"""
MANIFEST = """
[sandbox]
filesystem = ["read-only:/proc/stat"]
config = ["read:system.hostname"]
network = ["tcp:127.0.0.1:PORT"]
[limits]
files = 32
[config.mood]
type = "string"
default = "calm"
[services.teller]
interface = "org.example.Teller1"
access = "root"
methods.Ask = {in = "s"}
methods.Connect = {in = "i"}
methods.Answered = {out = "i"}
methods.Insist = {}
methods.Lie = {}
methods.Hoard = {}
"""
FLOOD = 70
"""More records of one event than a plugin has at once."""


@dataclass(frozen=True)
class Stage:
    daemon: Daemon
    packages: Path
    port: int

    def package(self, name: str, signer: str) -> str:
        more = MANIFEST.replace("PORT", str(self.port))
        manifest = builders.manifest_toml(name=name, entry="teller:Teller", more=more)
        manifest = manifest.replace(b"[entry]", b"critical = true\n[entry]")
        extra, path = {"code/teller.py": CODE}, self.packages / f"{name}.exopkg"
        issued = int(time.time()) - 3_600
        path.write_bytes(builders.signed_package(builders.key(signer), issued=issued, manifest=manifest, extra=extra))
        return str(path)

    def say(self, place: str, text: bytes) -> None:
        """A file of the administrator's; in force when this returns."""
        path = self.daemon.directory / "etc" / place
        path.write_bytes(text)
        path.chmod(0o600)

    def info(self) -> Mapping[str, Any]:
        return dict(self.daemon.exoctl("plugin", "info", "teller"))

    def tell(self, method: str, *words: str) -> Any:
        return self.daemon.exoctl("plugin", "call", "teller", method, "--", *words)

    def until(self, happened: Callable[[], bool]) -> None:
        """Each question takes a process, which is pause enough."""
        until = time.monotonic() + 100
        while not happened():
            assert time.monotonic() < until

    def runs_anew(self, pid: int) -> None:
        self.until(lambda: self.info()["process_id"] not in (0, pid) and self.info()["state_name"] == "running")


def live(stage: Stage) -> None:
    ctl = stage.daemon.exoctl
    stage.say("trust.d/stage.toml", anchor_file(builders.anchor_for(name="stage", level="trusted", scope=("teller",))))
    stage.say("plugins.d/teller.toml", b"critical = true\n")
    ctl("daemon", "reload")
    ctl("plugin", "load", stage.package("teller", "vendor"))
    with pytest.raises(CommandFailed):
        ctl("plugin", "load", stage.package("stranger", "stranger"))
    ctl("plugin", "config", "teller", "mood=loud")
    stage.tell("Lie")
    stage.tell("Connect", str(stage.port))
    stage.until(lambda: stage.tell("Answered") == 1)
    first = stage.info()["process_id"]
    stage.say("plugins.d/teller.toml", b"critical = true\nfiles = []\n")
    ctl("daemon", "reload")
    stage.runs_anew(first)
    second = stage.info()["process_id"]
    os.kill(second, signal.SIGKILL)
    stage.runs_anew(second)
    stage.daemon.kill()
    stage.daemon.start()
    stage.tell("Insist")
    stage.until(lambda: stage.tell("Answered") > FLOOD)
    stage.tell("Hoard")
    stage.until(lambda: any(row["event"] == "limit" for row in shown(stage.daemon, "--event", "limit")))
    stage.daemon.stop()


def shown(daemon: Daemon, *words: str) -> list[dict[str, Any]]:
    found = daemon.exoctl("audit", "show", *words)
    return found if isinstance(found, list) else [found]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    directory = tmp_path_factory.mktemp("audited")
    with socket.create_server(("127.0.0.1", 0)) as server, Daemon(directory / "dev") as daemon:
        port = server.getsockname()[1]
        live(Stage(daemon, directory, port))
        rows = shown(daemon, str(daemon.directory / "lib"), "--lines", "100000")
    return [
        row | {"fields": {name: text.replace(f":{port}", ":PORT") for name, text in row["fields"].items()}}
        for row in rows
    ]


def test_every_type_of_the_table_is_produced_here_or_by_the_test_that_is_named() -> None:
    assert sorted([*TOLD, *ELSEWHERE]) == sorted(EVENTS)
    for test in ELSEWHERE.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (tree.ROOT / path).read_text(), test


@pytest.mark.slow
@pytest.mark.parametrize("event", TOLD)
def test_it_is_written_when_it_happens_with_its_source_and_what_it_tells(
    records: list[dict[str, Any]], event: str
) -> None:
    rows = [row for row in records if row["event"] == event]
    assert {row["source"].partition(" ")[0] for row in rows} == {EVENTS[event].source}
    assert [row for row in rows if TOLD[event].items() <= row["fields"].items()], rows


@pytest.mark.slow
def test_a_write_on_the_bus_is_told_with_its_caller(records: list[dict[str, Any]]) -> None:
    """As it is let in or refused, and once more by its job."""
    rows = [row["fields"] for row in records if row["event"] in ("request", "refused", "job")]
    asked = [row for row in rows if row["caller"] != "exod"]
    assert {row["uid"] for row in asked} == {"0"}
    assert all(re.fullmatch(r":1\.[0-9]+", row["caller"]) for row in asked)
    assert {row["kind"] for row in rows if row["caller"] == "exod" and "kind" in row} == {"restart"}


@pytest.mark.slow
def test_nothing_is_written_that_the_table_lacks(records: list[dict[str, Any]]) -> None:
    assert {row["event"] for row in records} <= EVENTS.keys()
    assert [row["seq"] for row in records] == list(range(1, len(records) + 1))
