"""One daemon through its troubles: bad settings, a bus that is lost, SIGKILL; and what its process never holds."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exod import dev
from exod.layout import development
from exosdk.testing.daemon import Daemon
from tests.acceptance.residue import left
from tests.acceptance.workshop import Workshop
from tests.exod.running import listening, run

pytestmark = pytest.mark.slow
FORBIDDEN = ("pyroute2", "bcc", "tpm2_pytss", "pyudev", "click", "rich", "ssl", "gi", "exoctl")


@dataclass(frozen=True)
class Home:
    """A daemon with echo running in it, which tests may end as long as they start another."""

    daemon: Daemon
    shop: Workshop

    def pid(self) -> int:
        return int(self.daemon.exoctl("plugin", "info", "echo")["process_id"])

    def echo(self, text: str) -> None:
        self.daemon.exoctl("plugin", "call", "echo", "Echo", text)

    def echoes(self) -> int:
        return int(self.shop.properties("echo", "echo", "org.exoos.Echo1")["Count"])

    def degraded(self) -> dict[str, str]:
        return dict(self.daemon.exoctl("daemon", "status")["degraded"])

    def reload(self) -> list[str]:
        """By the bus; what the daemon answers."""
        where = ("org.exoos.Exod1", "/org/exoos/Exod1", "org.exoos.Exod1.Manager", "Reload")
        address = self.daemon.environment["EXOD_BUS_ADDRESS"]
        done = self.daemon.run(["busctl", f"--address={address}", "--json=short", "call", *where])
        return list(json.loads(done.stdout)["data"][0])

    def again(self) -> None:
        """After it was stopped for a reason that no longer holds."""
        self.shop.await_state("echo", "error")
        self.daemon.exoctl("plugin", "unload", "echo")
        self.daemon.exoctl("plugin", "load", str(self.shop.directory / "echo-vendor.exopkg"))

    def configure(self, text: str) -> None:
        (self.daemon.directory / "etc/exod.toml").write_text(text)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    directory = tmp_path_factory.mktemp("life")
    (directory / "work").mkdir()
    with Daemon(directory / "dev") as daemon:
        shop = Workshop(daemon, directory / "work")
        shop.key("vendor", scope="echo")
        daemon.exoctl("plugin", "load", str(shop.plugin("echo", key="vendor")))
        yield Home(daemon, shop)
    assert left(directory / "dev") == []


def test_a_reload_tells_what_changed_and_what_waits_for_a_restart(home: Home) -> None:
    home.configure("job-days = 7\nzygote-forks = 8\n")
    assert home.reload() == ["job-days: 30 → 7", "zygote-forks: 256 → 8 (needs a restart)"]
    home.configure("")
    assert home.reload() == ["job-days: 7 → 30", "zygote-forks: 8 → 256 (needs a restart)"]


def test_revocation_that_becomes_required_is_in_force_at_once(home: Home) -> None:
    home.configure("revocation-required = true\n")
    changes = home.reload()
    assert changes[0] == "revocation-required: False → True"
    assert any("echo is stopped: " in change for change in changes), changes
    home.configure("")
    home.reload()
    home.again()


def test_bad_settings_change_nothing_and_are_seen_until_they_are_repaired(home: Home) -> None:
    home.configure("job-day = 7\n")
    sentence = 'cannot read settings: unknown key "job-day"'
    with listening(home.daemon.directory / "log/exod.log") as logged:
        os.kill(home.daemon.pid, signal.SIGHUP)
        assert sentence in logged.until("reload: ")
        logged.until("reloaded")
    assert home.degraded()["settings"] == f"those of before stay in force: {sentence}"
    home.configure("")
    assert home.reload() == []
    assert "settings" not in home.degraded()


def test_trust_that_is_taken_away_ends_who_lived_by_it_and_sighup_is_enough(home: Home) -> None:
    anchor = home.daemon.directory / "etc/trust.d/vendor.toml"
    kept = anchor.read_bytes()
    pid = home.pid()
    anchor.unlink()
    with listening(home.daemon.directory / "log/exod.log") as logged:
        os.kill(home.daemon.pid, signal.SIGHUP)
        logged.until("reload: anchors: 0 new, 1 gone, 0 in force")
        logged.until("reload: echo is stopped: ")
    home.shop.await_state("echo", "error")
    assert not Path(f"/proc/{pid}").exists()
    anchor.write_bytes(kept)
    home.reload()
    home.again()


def test_a_bus_that_dies_and_comes_back_finds_the_daemon_and_its_plugins(home: Home) -> None:
    layout, pid = development(home.daemon.directory), home.pid()
    with listening(layout.log / "exod.log") as logged:
        bus = dev._listener(layout.run / "bus")
        signal.pidfd_send_signal(bus, signal.SIGKILL)
        logged.until("lost the bus")
        os.close(bus)
        subprocess.run([sys.executable, "-I", "-c", START_BUS, str(home.daemon.directory)], check=True)
        logged.until("back on the bus")
    assert home.pid() == pid
    assert home.shop.state("echo") == "running"


START_BUS = """
import sys
from pathlib import Path
from exod import dev
from exod.layout import development
sys.exit(not dev.start_bus(development(Path(sys.argv[1]))))
"""


def test_after_sigkill_the_next_daemon_takes_the_plugins_over_as_they_run(home: Home) -> None:
    pid, told = home.pid(), home.echoes()
    home.echo("once")
    home.daemon.kill()
    home.daemon.start()
    assert (home.pid(), home.shop.state("echo")) == (pid, "running")
    assert home.echoes() == told + 1
    home.echo("twice")
    assert home.echoes() == told + 2


def test_a_daemon_that_is_executed_again_keeps_its_pid_and_those_of_its_plugins(home: Home) -> None:
    pid, mine = home.pid(), home.daemon.pid
    with listening(home.daemon.directory / "log/exod.log") as logged:
        home.daemon.exoctl("daemon", "reexec")
        logged.until("handing over")
        logged.until("ready")
    assert (home.pid(), home.shop.state("echo")) == (pid, "running")
    assert home.daemon.pid == mine
    assert home.daemon.process is not None
    assert home.daemon.process.poll() is None


def test_a_keeper_that_is_executed_again_keeps_all_it_keeps(home: Home) -> None:
    pid, keeper = home.pid(), parent_of(home.pid())
    home.daemon.exoctl("daemon", "reexec", "--keeper")
    assert (home.pid(), parent_of(pid)) == (pid, keeper)
    home.daemon.exoctl("plugin", "unload", "echo")
    home.daemon.exoctl("plugin", "load", str(home.shop.directory / "echo-vendor.exopkg"))
    assert parent_of(home.pid()) == keeper


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_foreign_libraries_are_not_mapped_into_the_daemon(home: Home) -> None:
    mapped = Path(f"/proc/{home.daemon.pid}/maps").read_text()
    assert [
        word for word in ("/_ssl.", "libbcc", "libtss2", "libudev", "/gi/", "libgirepository") if word in mapped
    ] == []


IMPORTED = """
import json, sys
sys.modules["ssl"] = None  # as exod's own main does
import exod.__main__, exod.daemon, exod.trust.keys
exod.trust.keys.warm()
print(json.dumps(sorted({name.partition(".")[0] for name, module in sys.modules.items() if module is not None})))
"""


def test_what_belongs_in_workers_is_never_imported_by_the_daemon() -> None:
    imported: list[Any] = json.loads(run(IMPORTED).stdout)
    assert "cryptography" in imported
    assert sorted({*FORBIDDEN} & {*imported}) == []


def test_verification_is_warm_once_the_daemon_serves(home: Home) -> None:
    assert "/cryptography/" in Path(f"/proc/{home.daemon.pid}/maps").read_text()
