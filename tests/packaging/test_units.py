"""Units, launchers and lists: what has to agree with the code, and with each other."""

import configparser
import re
from pathlib import Path

import pytest

from exod import __version__, layout
from exod.names import BUS_NAME
from exod.sandbox.groups import PRODUCTION
from exod.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Unit(dict[str, str]):
    """key → last value; systemd's files repeat keys, which a parser of ini files refuses."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "systemd" / name).read_text()
        super().__init__(re.findall(r"^(\w+)=(.*)$", self.text, re.MULTILINE))


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\\n]+)", (ROOT / "packaging" / file).read_text(), re.MULTILINE))


def libraries() -> list[list[str]]:
    lines = (ROOT / "packaging/deb/libraries.txt").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def test_the_version_is_the_same_everywhere() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == __version__


def test_the_keepers_groups_are_where_its_unit_puts_them() -> None:
    keeper = Unit("exod-keeper.service")
    assert f"{keeper['Slice']}/exod-keeper.service" == PRODUCTION
    assert keeper["Delegate"] == "yes"


def test_the_keeper_ends_with_exod_and_not_with_its_restart() -> None:
    exod, keeper = Unit("exod.service"), Unit("exod-keeper.service")
    assert keeper["StopWhenUnneeded"] == "yes"
    assert "exod-keeper.service" in exod["Wants"].split()
    assert exod["StartLimitIntervalSec"] == "0"
    for tie in ("PartOf", "BindsTo", "PropagatesStopTo", "Requires"):
        assert "exod-keeper" not in exod.get(tie, "")
        assert "exod.service" not in keeper.get(tie, "")


def test_no_script_of_the_package_restarts_the_keeper() -> None:
    rules = (ROOT / "packaging/debian/rules").read_text()
    assert re.findall(r"dh_installsystemd .*", rules) == ["dh_installsystemd --restart-after-upgrade exod.service"]
    for script in (ROOT / "packaging/debian").glob("exod.p*"):
        assert not re.search(r"^[^#\n]*restart.*exod-keeper", script.read_text(), re.MULTILINE)


def test_exod_has_longer_to_stop_than_its_plugins() -> None:
    assert int(Unit("exod.service")["TimeoutStopSec"].removesuffix("s")) > 2 * Settings().stop_seconds


def test_walls_can_raise_what_the_keepers_unit_limits() -> None:
    """RLIMIT_CORE is set to 1 in every instance; a hard limit of 0 would not let it."""
    assert Unit("exod-keeper.service")["LimitCORE"] == "1"


@pytest.mark.parametrize("filter_", ["SystemCallFilter", "RestrictNamespaces", "PrivateMounts", "ProtectSystem"])
def test_instances_inherit_no_filter_and_no_mount_of_the_keepers_unit(filter_: str) -> None:
    assert filter_ not in Unit("exod-keeper.service")


def test_the_users_have_the_uids_of_the_settings() -> None:
    users = dict(re.findall(r"^u (\S+)\s+(\d+)", (ROOT / "systemd/exod.sysusers").read_text(), re.MULTILINE))
    uids = {"keeper": Settings().keeper_uid, "data": Settings().data_uid, "lint": Settings().lint_uid}
    uids |= {"resolver": Settings().resolver_uid}
    assert users == {f"exod-{name}": str(uid) for name, uid in uids.items()}


def test_a_purge_takes_every_user_that_was_made() -> None:
    users = re.findall(r"^u (\S+)", (ROOT / "systemd/exod.sysusers").read_text(), re.MULTILINE)
    assert f"for user in {' '.join(users)}; do" in (ROOT / "packaging/debian/exod.postrm").read_text()


def test_sockets_outlive_exod() -> None:
    assert f"d {layout.production().run} 0711 root root -" in (ROOT / "systemd/exod.tmpfiles").read_text()
    assert "RuntimeDirectory" not in Unit("exod.service")


def test_the_bus_starts_the_unit() -> None:
    activation = configparser.ConfigParser()
    activation.read(ROOT / "etc/dbus/org.exoos.Exod1.service")
    assert activation["D-BUS Service"]["Name"] == BUS_NAME
    assert activation["D-BUS Service"]["SystemdService"] == "exod.service"


@pytest.mark.parametrize("launcher", ["exod", "exoctl", "exod-keeper"])
def test_a_launcher_sees_no_users_directory_and_nothing_of_usr_local(launcher: str) -> None:
    text = (ROOT / "packaging/bin" / launcher).read_text()
    assert text.startswith("#!/usr/bin/python3 -IS\n")
    assert 'sys.path += ["/usr/lib/exod/lib", "/usr/lib/exod/vendor", "/usr/lib/python3/dist-packages"]' in text


def test_every_library_comes_from_debian_or_is_vendored() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"].split() + ["tpm2-pytss"]
    assert {re.split("[<>=]", name)[0] for name in wanted} == {row[0] for row in libraries()} - {"-"}


def test_what_is_vendored_is_what_was_tested() -> None:
    tested, vendored = pins("requirements.lock"), pins("deb/vendor.lock")
    assert {name: tested.get(name, version) for name, version in vendored.items()} == vendored
    assert "cryptography" in vendored
    assert "--hash=sha256:" in (ROOT / "packaging/deb/vendor.lock").read_text()
