"""Each grant on a real daemon: it works, it is refused without, and what taking it back from a running plugin does."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from exosdk.testing.daemon import CommandFailed, Daemon
from tests.acceptance import grants
from tests.machine import extension
from tests.shape import tree

OWNER, GROUP = 2147099999, 2147099998
MANIFEST = """
[package]
name = "prober"
version = "1.0.0"
type = "custom"
summary = "uses what it is granted"
license = "Apache-2.0"
[entry]
python = "prober:Prober"
[sandbox]
filesystem = ["read-only:{place}/read", "read-write:{place}/write"]
config = ["read:system.hostname"]
network = ["tcp:127.0.0.1:{port}"]
custom = ["gpu"]
processes = true
native = true
[limits]
tasks = 4
[services.prober]
interface = "org.example.Prober1"
access = "root"
methods.Use = {{in = "s", out = "s"}}
methods.Heard = {{out = "s"}}
"""
CODE = """
import os
try:
    import machine
except ImportError as error:
    machine, unloaded = None, error

class Prober:
    def __init__(self, context):
        self.context, self.said = context, ""
        self.kept = open("{place}/read/file") if os.path.exists("{place}/read/file") else None

    def use(self, grant):
        try:
            return getattr(self, grant)()
        except OSError as error:
            return "refused: " + type(error).__name__

    def read(self):
        return open("{place}/read/file").read()

    def kept_open(self):
        return os.pread(self.kept.fileno(), 9, 0).decode() if self.kept else "refused: it was never open"

    def write(self):
        with open("{place}/write/made", "w") as file:
            file.write("by it")
        return "works"

    def processes(self):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        return "works"

    def native(self):
        return "works" if machine and machine.answer() == 42 else "refused: " + str(unloaded)

    def more_native(self):
        try:
            import later
        except ImportError as error:
            return "refused: " + str(error)
        return later.answer()

    def custom(self):
        return "works" if "gpu" in self.context.permissions.get("custom", ()) else "refused"

    def config(self):
        self.said = ""
        self.context.read_setting("system.hostname", self.told)
        return "asked"

    def network(self):
        self.said = ""
        self.context.connect("127.0.0.1", {port}, self.connected)
        return "asked"

    def connected(self, end, refused):
        self.said = "refused: " + refused if refused else "works"
        self.end = end

    def told(self, value, refused):
        self.said = "refused: " + refused if refused else value

    def heard(self):
        return self.said
"""


@dataclass
class Lab:
    daemon: Daemon
    place: Path
    server: socket.socket

    def use(self, grant: str) -> str:
        said = str(self.daemon.exoctl("plugin", "call", "prober", "Use", "--", grant))
        while said in ("asked", ""):
            said = str(self.daemon.exoctl("plugin", "call", "prober", "Heard"))
        return said

    def rule(self, line: str) -> None:
        """plugins.d says this; returns when the daemon has it in force and the plugin runs."""
        policy = self.daemon.directory / "etc/plugins.d/prober.toml"
        policy.write_text(line)
        policy.chmod(0o600)
        self.daemon.exoctl("daemon", "reload")
        until = time.monotonic() + 30
        while self.daemon.exoctl("plugin", "info", "prober")["state_name"] != "running":
            assert time.monotonic() < until

    def instance(self) -> int:
        return int(self.daemon.exoctl("plugin", "info", "prober")["id"])

    def holds(self, capability: str) -> bool:
        asked = ["registry", "check", "prober", "--capability", capability]
        return self.daemon.run([str(Path(sys.executable).with_name("exoctl")), *asked]).returncode == 0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = Path("/var/tmp") / f"exod-grants-live-{os.getpid()}"
    source = tmp_path_factory.mktemp("prober")
    (place / "read").mkdir(parents=True)
    (place / "read/file").write_text("works")
    (place / "write").mkdir()
    os.chown(place / "write", OWNER, GROUP)
    for path in (place, place / "read", place / "write"):
        path.chmod(0o755)
    (place / "read/file").chmod(0o644)
    (source / "code").mkdir()
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    (source / "package.toml").write_text(MANIFEST.format(place=place, port=port))
    (source / "code/prober.py").write_text(CODE.replace("{place}", str(place)).replace("{port}", str(port)))
    for path, code in (extension(name, place) for name in ("machine", "later")):
        (source / path).write_bytes(code)
    for name in ("README.md", "LICENSE"):
        (source / name).write_text("A prober.\n")
    try:
        with Daemon(tmp_path_factory.mktemp("grants") / "dev") as daemon:
            allow(daemon, "native = true")
            daemon.exoctl("plugin", "try", str(source))
            yield Lab(daemon, place, server)
    finally:
        server.close()
        shutil.rmtree(place)


def allow(daemon: Daemon, line: str) -> None:
    """What the level of development may have, from the next reload on."""
    levels = daemon.directory / "etc/trust.d/levels.toml"
    levels.write_text(f"[dev]\n{line}\n")
    levels.chmod(0o600)
    daemon.exoctl("daemon", "reload")


CASES = [
    ("read", "filesystem:read-only:{place}/read", 'files = ["{place}/write"]', True),
    ("kept_open", "filesystem:read-only:{place}/read", 'files = ["{place}/write"]', True),
    ("write", "filesystem:read-write:{place}/write", 'files = ["{place}/read"]', True),
    ("processes", "processes", 'deny = ["processes"]', True),
    ("native", "native", 'deny = ["native"]', True),
    ("config", "config:read:system.hostname", 'deny = ["config"]', False),
    ("network", "network:tcp:127.0.0.1:{port}", 'deny = ["network"]', True),
]


@pytest.mark.slow
@pytest.mark.parametrize(("grant", "capability", "rule", "restarted"), CASES, ids=[case[0] for case in CASES])
def test_a_grant_works_and_is_gone_when_it_was_taken_back_live(
    lab: Lab, grant: str, capability: str, rule: str, restarted: bool
) -> None:
    port = lab.server.getsockname()[1]
    capability, rule = capability.format(place=lab.place, port=port), rule.format(place=lab.place)
    lab.rule("")
    if not lab.holds(capability):  # what is given back comes with the next start
        lab.daemon.exoctl("plugin", "unload", "prober")
        lab.daemon.exoctl("plugin", "load", "prober")
    before = lab.instance()
    assert lab.use(grant) == (os.uname().nodename if grant == "config" else "works")
    lab.rule(rule)
    assert lab.use(grant).startswith("refused")
    assert (lab.instance() != before) is restarted
    assert not lab.holds(capability)


@pytest.mark.slow
def test_what_its_level_may_no_longer_have_stops_it_and_is_refused_until_it_may_again(lab: Lab) -> None:
    lab.rule("")
    try:
        allow(lab.daemon, "processes = false\nnative = true")
        about = lab.daemon.exoctl("plugin", "info", "prober")
        assert (about["state_name"], about["fault"]["code"]) == ("error", "above-level")
        assert "of level dev, whose ceiling does not allow processes" in about["fault"]["sentence"]
        assert not any(lab.holds(one) for one in ("processes", "custom:gpu", "config:read:system.hostname"))
        again = lab.daemon.run([str(Path(sys.executable).with_name("exoctl")), "plugin", "load", "prober"])
        assert again.returncode == 3
        assert "trust.d/levels.toml: dev = {processes = true}" in again.stdout + again.stderr
    finally:
        allow(lab.daemon, "native = true")
    lab.daemon.exoctl("plugin", "load", "prober")
    assert lab.use("processes") == "works"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "said", "goes_on"),
    [("plugins.d/prober.toml", "policy-invalid", False), ("trust.d/revoked.toml", "revocation-malformed", True)],
)
def test_what_cannot_be_read_widens_nothing_and_its_file_and_line_are_told(
    lab: Lab, place: str, said: str, goes_on: bool
) -> None:
    lab.rule("")
    file = lab.daemon.directory / "etc" / place
    file.write_text("# what it said before\ndeny = [\n")
    file.chmod(0o600)
    try:
        lab.daemon.exoctl("daemon", "reload")
        assert (lab.daemon.exoctl("plugin", "info", "prober")["state_name"] == "running") is goes_on
        assert f"{file.name}: line 2: " in str(lab.daemon.exoctl("daemon", "status")["degraded"])
        if goes_on:
            lab.daemon.exoctl("plugin", "unload", "prober")
        with pytest.raises(CommandFailed) as refused:
            lab.daemon.exoctl("plugin", "load", "prober")
        assert (refused.value.code, refused.value.error["code"]) == (3, said)
        assert f"{file.name}: line 2: " in refused.value.error["sentence"]
    finally:
        file.unlink()
    lab.daemon.exoctl("daemon", "reload")
    lab.daemon.exoctl("plugin", "load", "prober")
    assert lab.use("processes") == "works"


@pytest.mark.slow
def test_an_open_connection_ends_when_it_was_taken_back_live(lab: Lab) -> None:
    lab.rule("")
    lab.daemon.exoctl("plugin", "unload", "prober")
    lab.daemon.exoctl("plugin", "load", "prober")
    lab.server.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            lab.server.accept()[0].close()  # of the tests before
    lab.server.settimeout(30)
    assert lab.use("network") == "works"
    with lab.server.accept()[0] as peer:
        peer.settimeout(30)
        lab.rule('deny = ["network"]')
        with suppress(ConnectionResetError):
            assert peer.recv(1) == b""
    assert "does not hold" in lab.use("network")


@pytest.mark.slow
def test_machine_code_that_was_not_loaded_before_the_start_never_is(lab: Lab) -> None:
    lab.rule("")
    if not lab.holds("native"):
        lab.daemon.exoctl("plugin", "unload", "prober")
        lab.daemon.exoctl("plugin", "load", "prober")
    assert lab.use("native") == "works"
    assert lab.use("more_native").startswith("refused")


def test_the_page_shows_the_catalogue_and_every_test_in_it_exists() -> None:
    page = (tree.ROOT / "docs/systems/sandbox.md").read_text()
    assert grants.table() in page
    for one in grants.CATALOGUE:
        for test in (one.works, one.refused, one.revoked):
            path, _, name = test.partition("::")
            assert f"def {name}(" in (tree.ROOT / path).read_text(), test
