"""The disk image, started as on hardware: firmware, boot loader, a Debian that is nobody else's, a loaded plugin."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exosdk.testing.vm import cache
from tests.vm import firmware
from tests.vm.exod import SHIPPED
from tests.vm.firmware import Firmware

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(1_800)]

ROOT = Path(__file__).resolve().parents[2]
SIZE = 4 << 30
NAME = "exod-lab"


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest, deb: Path) -> Path:
    environment = os.environ | {"SUITE": request.config.option.vm_suite, "FORMAT": "raw", "DEB": str(deb)}
    done = subprocess.run([ROOT / "packaging/image/build.sh"], env=environment, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firmware]:
    place = tmp_path_factory.mktemp("firmware")
    disk, key = place / "disk.raw", place / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    firmware.copy(image, disk, size=SIZE)
    firmware.provision(disk, key=key, name=NAME)
    with firmware.started(disk, key=key, place=place, remembered=cache.root()) as machine:
        yield machine
    disk.unlink()


def test_two_machines_from_it_do_not_share_an_identity(image: Path) -> None:
    """What a first boot makes is not there before it."""
    for path in ("/etc/machine-id", "/etc/hostname", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key"):
        asked = ["debugfs", "-R", f"cat {path}", f"{image}?offset={257 << 20}"]
        assert subprocess.run(asked, capture_output=True, check=True).stdout == b"", path


def test_it_boots_through_its_firmware_to_a_loaded_plugin(
    machine: Firmware, figure: Callable[[str, float, str], None]
) -> None:
    began = time.monotonic()
    machine.await_prompt()
    figure("image: firmware to login prompt", time.monotonic() - began, "s")
    machine.run(f"exoctl plugin load {SHIPPED}/echo_1.0.0.exopkg")
    figure("image: firmware to loaded plugin", time.monotonic() - began, "s")
    assert machine.run("exoctl plugin call echo Echo hello").strip() == "hello"
    assert machine.run("systemctl is-system-running --wait; ls -d /sys/firmware/efi").split() == [
        "running",
        "/sys/firmware/efi",
    ]


def test_it_has_the_name_it_was_given_and_an_identity_of_its_own(machine: Firmware) -> None:
    assert machine.run("hostname") == f"{NAME}\n"
    assert re.fullmatch(r"[0-9a-f]{32}\n", machine.run("cat /etc/machine-id"))


def test_its_root_takes_the_whole_disk(machine: Firmware) -> None:
    assert int(machine.run("df --output=size --block-size=1 / | tail -1")) > SIZE * 0.85


def test_nobody_logs_in_with_a_password(machine: Firmware) -> None:
    assert machine.run("awk -F: '$2 !~ /^[!*]/' /etc/shadow") == ""
    refused = machine.run("sshd -T | grep -E '^(passwordauthentication|kbdinteractiveauthentication)'")
    assert refused == "passwordauthentication no\nkbdinteractiveauthentication no\n"


def test_it_tells_nothing_of_how_the_machine_that_built_it_reaches_its_archives(machine: Firmware) -> None:
    secrets = "ls -A /etc/apt/auth.conf.d; grep -riE proxy /etc/apt; grep @ /etc/apt/sources.list; true"
    assert machine.run(secrets) == ""


def test_the_power_button_turns_it_off(machine: Firmware, figure: Callable[[str, float, str], None]) -> None:
    """The last one: plugins are stopped in order, and the machine is gone."""
    began = time.monotonic()
    machine.press_power_button()
    figure("image: power button to off", time.monotonic() - began, "s")
