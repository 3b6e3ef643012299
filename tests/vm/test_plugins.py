"""First-party plugins and the packages exod stands on, in the guest: their figures are the guest's own."""

import json
from typing import Any

import pytest

from exosdk.testing.vm import Machine
from tests.vm.exod import NAME, PATHS, TOP, Exod

CARD = ("pluggy", "dbus_next", "bcc", "pyroute2", "systemd.journal", "pyudev", "tpm2_pytss", "cryptography")


def test_hostpulse_tells_the_guests_figures(vm: Machine, exod: Exod) -> None:
    exod.load("hostpulse")
    exod.call("hostpulse", "Sample")
    service = (f"{TOP}/service/hostpulse/hostpulse", "org.freedesktop.DBus.Properties", "GetAll", "s")
    said = exod.busctl("call", NAME, *service, "org.exoos.HostPulse1")
    told: dict[str, Any] = {name: cell["data"] for name, cell in json.loads(said.out)["data"][0].items()}
    guest = vm.run("cat /proc/meminfo; nproc; cut -d' ' -f1 /proc/uptime").out
    assert f"MemTotal:{told['MemoryTotal'] // 1024:>15} kB" in guest
    assert 0 < told["Uptime"] <= float(guest.split()[-1])
    assert list(told["Network"]) == vm.run("ls /sys/class/net").out.split()
    assert told["Missing"] == []
    exod.remove("hostpulse")


def test_a_plugin_has_neither_rights_nor_the_host_around_it(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    status = vm.run(f"cat /proc/{exod.pid('echo')}/status").out
    rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {rows["CapEff"], rows["CapPrm"], rows["CapBnd"]} == {"0" * 16}
    assert (rows["NoNewPrivs"], rows["Seccomp"]) == ("1", "2")
    assert int(rows["Uid"].split()[0]) > 65_535
    assert vm.run(f"readlink /proc/{exod.pid('echo')}/ns/net").out != vm.run("readlink /proc/1/ns/net").out
    exod.remove("echo")


def imported(names: list[str], paths: list[str]) -> dict[str, str]:
    import importlib
    import sys

    sys.path += [path for path in paths if path not in sys.path]
    return {name: str(importlib.import_module(name).__file__) for name in names}


@pytest.mark.parametrize("name", CARD)
def test_a_package_that_exod_stands_on_is_there(vm: Machine, exod: Exod, name: str) -> None:
    found = vm.call(imported, [name], list(PATHS))
    assert found[name].startswith(("/usr/lib/exod/vendor/", "/usr/lib/python3/dist-packages/"))


def pcr(paths: list[str]) -> str:
    import sys

    sys.path[:0] = paths
    from tpm2_pytss import ESAPI

    with ESAPI("device:/dev/tpmrm0") as tpm:
        _, _, digests = tpm.pcr_read("sha256:0")
    return bytes(digests[0]).hex()


def test_a_register_of_the_tpm_is_read_as_the_kernel_shows_it(vm: Machine, exod: Exod) -> None:
    assert vm.call(pcr, list(PATHS)) == vm.run("cat /sys/class/tpm/tpm0/pcr-sha256/0").out.strip().lower()
