"""What README says under "Install", typed into a Debian that has never seen exod nor what it depends on."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exosdk.testing.vm import Machine
from exosdk.testing.vm.house import House
from tests.vm import offline
from tests.vm.conftest import Figure
from tests.vm.exod import Exod

ROOT = Path(__file__).resolve().parents[2]
CLONE = "/root/exod"
_PATIENCE = 1_200
"""Seconds for a line: a guest without KVM on a busy host unpacks forty packages slowly."""


@pytest.fixture
def fresh(vm_house: House) -> Iterator[Machine]:
    """Cold, from an image with nothing but what Debian's own base has."""
    with House(vm_house.suite) as house:
        machine = house.booted()
        yield machine
        machine.close()


def lines(suite: str) -> list[str]:
    """The commands of README's section, as somebody with this suite types them; comments are for readers."""
    section = (ROOT / "README.md").read_text().split("\n## Install\n")[1].split("\n## ")[0]
    block = section.split("```")[1].strip().splitlines()
    typed = [line.partition("  #")[0].rstrip() for line in block]
    return [line.replace("bookworm", suite) for line in typed]


@pytest.mark.timeout(2 * _PATIENCE)
def test_its_lines_end_with_a_loaded_plugin(
    fresh: Machine, vm_house: House, deb: Path, tmp_path: Path, figure: Figure
) -> None:
    build, *rest = lines(vm_house.suite)
    assert build == f"make deb SUITE={vm_house.suite}", "what it makes is brought along"
    fresh.put(f"{CLONE}/build/deb/{vm_house.suite}/{deb.name}", deb)
    figure(
        "packages that exod needs of the archive", offline.provide(fresh, deb, suite=vm_house.suite, work=tmp_path), ""
    )
    began = time.monotonic()
    for line in rest:
        fresh.run(line, cwd=CLONE, env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=_PATIENCE)
    figure("README's lines, typed", time.monotonic() - began, "s")
    [row] = Exod(fresh).ctl("plugin", "list")
    assert (row["name"], row["state_name"]) == ("hostpulse", "running")
