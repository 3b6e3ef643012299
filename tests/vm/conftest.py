"""What tests of exod in a machine share: the .deb, exod in it, and figures that are printed at the end."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exosdk.testing.vm import Machine
from exosdk.testing.vm.fixtures import evidence
from tests.vm.exod import Exod

FIGURES = "figures.txt"
Figure = Callable[[str, float, str], None]


@pytest.fixture(scope="session")
def deb(request: pytest.FixtureRequest) -> Path:
    """The package under test, which the machines have unless they are bare."""
    given = request.config.option.vm_deb
    assert given, "no package was given: make test-vm builds one, or say --vm-deb FILE"
    return Path(given[0])


@pytest.fixture
def exod(vm: Machine, deb: Path) -> Exod:
    return Exod(vm)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """figure(name, value, unit): kept in build/vm/SUITE and told at the end of the run; never a reason to fail."""
    target = evidence(request.config, request.config.option.vm_suite, FIGURES)

    def tell(name: str, value: float, unit: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a") as file:
            file.write(f"{name}: {value:.3g} {unit}\n")

    return tell


@pytest.fixture(scope="session")
def other_version(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The same package under another version number: for maintainer scripts an upgrade like any other."""

    def make(version: str) -> Path:
        work = tmp_path_factory.mktemp("deb")
        tree, target = work / "tree", work / f"exod_{version}.deb"
        subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        lines = [f"Version: {version}" if it.startswith("Version: ") else it for it in control.read_text().splitlines()]
        control.write_text("\n".join(lines) + "\n")
        subprocess.run(["dpkg-deb", "--build", "-Zgzip", "-z1", tree, target], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        return target

    return make
