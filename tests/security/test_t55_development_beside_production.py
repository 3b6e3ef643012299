"""THREATS 55: `exod --dev` beside production takes nothing of it, nothing planted, and gives it nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exoctl import trustfiles
from exod import dev
from exod.errors import Refusal
from exod.layout import DEV_MARKER
from exod.supervisor.material import Today
from exod.supervisor.ports import TrustInputs
from exod.trust.state import TrustState
from exod.trust.verify import Leave
from exod.trusting import EtcTrust, PackageGate
from exosdk.testing.daemon import Daemon
from tests.builders import NOW, anchor_for, signed_package
from tests.exod.dbus import rig

STRANGER = 12345
PRODUCTION = ("/etc/exod", "/var/lib/exod", "/run/exod", "/var/log/exod")


def refused(directory: Path) -> str:
    found = dev.claim(directory)
    assert isinstance(found, Refusal), "taken"
    assert found.code == "dev-directory-refused"
    return found.sentence


def taken(directory: Path) -> None:
    found = dev.claim(directory)
    assert isinstance(found, dev.Claim)
    os.close(found.lock)


# --- planted ----------------------------------------------------------------------------------------------------------


def test_a_directory_that_a_stranger_made_first_is_refused(tmp_path: Path) -> None:
    planted = tmp_path / "dev"
    planted.mkdir(mode=0o700)
    os.chown(planted, STRANGER, STRANGER)
    assert f"owned by uid {STRANGER}" in refused(planted)
    assert list(planted.iterdir()) == []


def test_a_directory_in_a_stranger_s_own_is_refused_for_he_could_swap_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, STRANGER, STRANGER)
    assert str(home) in refused(home / "dev")
    assert not (home / "dev").exists()


def test_a_directory_where_others_may_write_is_refused_for_they_could_swap_it(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert "others may write it" in refused(shared / "dev")


def test_in_a_sticky_directory_of_root_s_nobody_can_swap_it(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    taken(tmp_path / "tmp/dev")


@pytest.mark.parametrize("place", ["dev", "above/dev"])
def test_a_path_through_a_link_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    link = tmp_path / Path(place).parts[0]
    link.symlink_to(tmp_path / "real")
    assert "is a link or no directory" in refused(tmp_path / place)
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("below", ["lib", "etc", "etc/trust.d", "run", "log", "keys"])
def test_no_link_below_it_leads_to_the_state_of_production(tmp_path: Path, below: str) -> None:
    production = tmp_path / "production"
    production.mkdir(mode=0o700)
    taken(tmp_path / "dev")
    place = tmp_path / "dev" / below
    subprocess.run(["rm", "-r", str(place)], check=True)
    place.symlink_to(production)
    assert "is a link or no directory" in refused(tmp_path / "dev")
    assert list(production.iterdir()) == []


def test_a_state_directory_of_a_stranger_s_below_it_is_refused(tmp_path: Path) -> None:
    taken(tmp_path / "dev")
    os.chown(tmp_path / "dev/lib", STRANGER, STRANGER)
    assert f"owned by uid {STRANGER}" in refused(tmp_path / "dev")


def test_the_marker_alone_opens_no_directory_that_others_may_enter(tmp_path: Path) -> None:
    planted = tmp_path / "dev"
    planted.mkdir()
    planted.chmod(0o755)
    (planted / DEV_MARKER).touch(mode=0o600)
    assert "others may enter it" in refused(planted)


# --- production's places and its bus ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [*PRODUCTION, "/run/dbus", "/var/lib", "/etc", "/"])
def test_production_s_own_places_are_refused_and_stay_as_they_are(place: str) -> None:
    before = os.path.lexists(place)
    refused(Path(place))
    assert os.path.lexists(place) == before
    assert not (Path(place) / DEV_MARKER).exists()


@pytest.fixture
def system_bus() -> Iterator[rig.Daemon]:
    with rig.daemon(shipped=False) as bus:
        yield bus


def names_on(bus: rig.Daemon) -> str:
    return subprocess.run(["busctl", f"--address={bus.address}", "list"], capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_running_one_touches_neither_the_places_nor_the_bus_of_production(
    tmp_path: Path, system_bus: rig.Daemon
) -> None:
    """Also where the environment, and a link in place of its own bus, lead there."""
    before = [os.path.lexists(place) for place in PRODUCTION]
    taken(tmp_path / "dev")
    (tmp_path / "dev/run/bus").symlink_to(system_bus.address.partition("=")[2].partition(",")[0])
    lead = dict.fromkeys(("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS"), system_bus.address)
    with Daemon(tmp_path / "dev", environment=lead | {"EXOD_BUS_ADDRESS": system_bus.address}) as daemon:
        assert "busctl" in names_on(system_bus), "the other bus is there to be found"
        assert "org.exoos.Exod1" not in names_on(system_bus)
        assert daemon.environment["EXOD_BUS_ADDRESS"] == f"unix:path={tmp_path}/dev/run/bus"
        assert (tmp_path / "dev/run/bus").is_socket()
        assert not (tmp_path / "dev/run/bus").is_symlink()
        assert daemon.exoctl("daemon", "status")["mode"] == "development"
        assert "dev" in daemon.exoctl("daemon", "status")["degraded"]
    assert [os.path.lexists(place) for place in PRODUCTION] == before


@pytest.mark.slow
def test_one_that_is_refused_says_so_and_starts_nothing(tmp_path: Path) -> None:
    planted = tmp_path / "dev"
    planted.mkdir(mode=0o700)
    (planted / "mine").touch()
    command = [str(Path(sys.executable).with_name("exod")), "--dev", str(planted)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"exod: cannot use {planted} for development: exod did not make it\n")
    assert [path.name for path in planted.iterdir()] == ["mine"]


def test_ending_it_ends_no_bus_that_a_link_leads_to(tmp_path: Path, system_bus: rig.Daemon) -> None:
    found = dev.claim(tmp_path / "dev")
    assert isinstance(found, dev.Claim)
    (found.layout.run / "bus").symlink_to(system_bus.address.partition("=")[2].partition(",")[0])
    dev.stop_bus(found.layout, started=0)
    os.close(found.lock)
    assert "busctl" in names_on(system_bus)


# --- what it made, offered to production ------------------------------------------------------------------------------


async def inputs(directory: Path, *, development: bool) -> TrustInputs:
    (directory / "trust.d").mkdir(mode=0o700, exist_ok=True)
    (directory / "trust.d/dev.toml").write_bytes(trustfiles.anchor_file(anchor_for(level="dev", name="dev")))
    return await EtcTrust(directory, development=development).read(state=TrustState())


async def test_an_anchor_made_for_development_trusts_nobody_in_production(tmp_path: Path) -> None:
    found = await inputs(tmp_path, development=False)
    assert found.anchors == ()
    assert [problem.code for problem in found.problems] == ["dev-anchor"]
    assert [anchor.name for anchor in (await inputs(tmp_path, development=True)).anchors] == ["dev"]


async def test_a_package_signed_for_development_is_judged_in_development_alone(tmp_path: Path) -> None:
    trusted = await inputs(tmp_path, development=True)
    both = TrustInputs(anchors=(*trusted.anchors, anchor_for()), revocations=trusted.revocations)
    data = signed_package(development=True)
    verdicts = {}
    for development in (True, False):
        gate = PackageGate(development=development)
        package = gate.parse(data)
        assert not isinstance(package, Refusal)
        leave = Leave(downgrade=True, consent=True)
        verdicts[development] = gate.judge(data, package, today=Today(both, TrustState(), NOW), leave=leave)
    assert not isinstance(verdicts[True], Refusal)
    refusal = verdicts[False]
    assert isinstance(refusal, Refusal)
    assert refusal.code == "dev-package"
