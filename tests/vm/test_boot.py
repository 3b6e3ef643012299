"""From boot to boot: plugins return in the order of their dependencies, and a broken one blocks nobody."""

import time

import pytest

from exoctl.trustfiles import anchor_file
from exosdk.testing.vm import Machine
from tests import builders
from tests.vm.conftest import Figure
from tests.vm.exod import Exod

CODE = b"""from exosdk import Context, hookimpl


class Hello:
    def __init__(self, context: Context) -> None:
        self.context = context

    @hookimpl
    def start(self) -> None:
        self.context.log.info("started")
"""


def package(name: str, *, needs: str = "") -> bytes:
    more = f'[dependencies]\n{needs} = ">=1.0.0"\n' if needs else ""
    manifest = builders.manifest_toml(name=name, more=more)
    return builders.signed_package(issued=int(time.time()) - 3_600, manifest=manifest, extra={"code/hello.py": CODE})


@pytest.mark.destructive
def test_a_reboot_brings_plugins_back_in_order_and_a_broken_one_blocks_nobody(
    vm: Machine, exod: Exod, figure: Figure
) -> None:
    vm.put("/etc/exod/trust.d/tests.toml", anchor_file(builders.anchor_for(scope=("first", "second", "third"))))
    vm.run("systemctl reload exod.service; systemctl restart exod.service")
    for name, needs in (("third", ""), ("second", "third"), ("first", "second")):
        vm.put(f"/root/{name}.exopkg", package(name, needs=needs))
        exod.ctl("plugin", "load", f"/root/{name}.exopkg")
    exod.load("echo", "hostpulse")
    vm.run("truncate --size=-1 /var/lib/exod/packages/echo/1.0.0.exopkg; sync")
    vm.reboot()
    for name in ("first", "second", "third", "hostpulse"):
        exod.await_state(name, "running")
    assert exod.state("echo") == "error"
    born = {
        name: int(vm.run(f"cut -d' ' -f22 /proc/{exod.pid(name)}/stat").out) for name in ("first", "second", "third")
    }
    assert sorted(born, key=lambda name: born[name]) == ["third", "second", "first"]
    assert vm.run("systemctl is-system-running").out == "running\n"
    said = vm.run("systemctl show --property=ActiveEnterTimestampMonotonic --value exod.service").out
    figure("boot to READY", int(said) / 1e6, "s")
    phases = exod.ctl("daemon", "status")["phases"]
    assert list(phases) == ["critical", "normal", "deferred"]
    for phase, stamp in phases.items():
        figure(f"boot to the end of phase {phase}", stamp / 1e6, "s")
