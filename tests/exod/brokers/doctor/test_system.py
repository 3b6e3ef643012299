"""systemd, the bus's policy and polkit, on a host whose directories are covered for one child."""

import os
from pathlib import Path

import pytest

from exod.brokers.doctor import system
from tests.exod.brokers.doctor.broken import apart, found, host, level, tmpfs

SHIPPED = Path(__file__).resolve().parents[4] / "etc/dbus/org.exoos.Exod1.conf"
STATUS = "Package: bash\nVersion: 258\n\nPackage: systemd\nStatus: install ok installed\nVersion: {}\n\n"
OPEN = "[Service]\nExecStart=/bin/true\nDelegate=cpu memory\n"


def systemd(version: str, units: dict[str, str]) -> None:
    for place in ("/run", "/var/lib/dpkg", "/etc/systemd", "/usr/lib/systemd"):
        tmpfs(place)
    system.RUNNING.mkdir(parents=True)
    Path("/var/lib/dpkg/status").write_text(STATUS.format(version))
    for name, text in units.items():
        path = Path("/usr/lib/systemd/system") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("version", "unit", "expected"),
    [
        ("252.39-1~deb12u2", OPEN, "ok"),
        ("258.1-1", OPEN, "warning"),
        ("257.9-1~deb13u1", OPEN + "User=somebody\n", "ok"),
        ("257.9-1~deb13u1", OPEN + "User=root\n", "warning"),
        ("259-2", OPEN.replace("cpu memory", "no"), "ok"),
        ("260-1", OPEN, "ok"),
    ],
)
def test_a_unit_that_delegates_as_root_is_named_where_systemd_is_affected(
    version: str, unit: str, expected: str, tmp_path: Path
) -> None:
    at = host(tmp_path)

    def look() -> tuple[str, str]:
        systemd(version, {"box.service": unit})
        return found("systemd-delegate", at)

    verdict, words = apart(look)
    assert verdict == expected
    assert ("box.service" in words) is (expected == "warning")


def test_a_drop_in_and_a_unit_in_etc_have_the_last_word(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[str]:
        systemd("258-1", {"box.service": OPEN, "box.service.d/user.conf": "[Service]\nUser=somebody\n"})
        first = level("systemd-delegate", at)
        Path("/etc/systemd/system").mkdir()
        Path("/etc/systemd/system/other.service").write_text(OPEN)
        return [first, level("systemd-delegate", at)]

    assert apart(look) == ["ok", "warning"]


def test_where_systemd_cannot_be_told_nothing_is_claimed(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[str]:
        tmpfs("/run")
        absent = level("systemd-delegate", at)
        tmpfs("/var/lib/dpkg")
        system.RUNNING.mkdir(parents=True)
        return [absent, level("systemd-delegate", at)]

    assert apart(look) == ["ok", "unknown"]


def test_a_bus_without_our_policy_is_wrong_until_it_is_installed(tmp_path: Path) -> None:
    at, text = host(tmp_path, production=True), SHIPPED.read_text()
    assert level("bus-policy", host(tmp_path)) == "ok", "development brings its own"

    def look() -> list[str]:
        for place in system.POLICIES:
            os.makedirs(place.parent, exist_ok=True)
            tmpfs(place.parent)
        seen = [level("bus-policy", at)]
        for words in (text.replace('min_fds="1"', ""), text):
            system.POLICIES[1].write_text(words)
            seen.append(level("bus-policy", at))
        return seen

    assert apart(look) == ["wrong", "wrong", "ok"]


def test_a_bus_that_is_not_there_is_said(tmp_path: Path) -> None:
    verdict, words = found("polkit", host(tmp_path))
    assert (verdict, words.startswith("no bus answers at")) == ("warning", True)
