"""pytest's options and markers → the fixture `vm`: a running machine for each test, warm where it may be shared.

    --vm-suite bookworm     the guest's Debian
    --vm-deb FILE           installed in it; may be repeated

    vm           a module's tests share one machine, in their order; a test that failed leaves it to nobody
    destructive  this test gets a machine of its own, and so does the next
    bare         the machine without the .deb files

Of a test that failed the journal, the serial line and everything it said lie in build/vm/SUITE/TEST.
"""

import re
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from exosdk.testing.vm.house import House
from exosdk.testing.vm.machine import Machine

_FAILED = pytest.StashKey[bool]()
_DEADLINE = 900
"""Seconds for a test with the machines it needs; what it waits for has its own deadlines, all shorter."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("virtual machines")
    group.addoption("--vm-suite", default="bookworm", help="the guest's Debian (bookworm)")
    group.addoption("--vm-deb", type=Path, action="append", default=[], help="a .deb to install in the guest")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "vm: needs a virtual machine; every test that uses its fixtures has it")
    config.addinivalue_line("markers", "destructive: gets a virtual machine of its own")
    config.addinivalue_line("markers", "bare: gets a virtual machine without the .deb files")


@pytest.hookimpl(tryfirst=True)  # before the markers are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "vm_house" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.vm)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(_DEADLINE))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


class Warm:
    """The machine that a module's tests share, once one of them wanted it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._machine: Machine | None = None
        self._bare = False

    def lend(self, *, bare: bool, alone: bool, hear: "Transcript") -> Machine:
        if alone or bare != self._bare:
            self.drop()
        if self._machine is None:
            self._machine, self._bare = self.house.restored(bare=bare, hear=hear), bare
        return self._machine

    def drop(self) -> None:
        if self._machine is not None:
            self._machine.close()
            self._machine = None


class Transcript:
    """Everything a machine says: to whoever watches, and into the file of the test that runs."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def __call__(self, words: str) -> None:
        self.text.append(words)
        sys.stdout.write(words)
        sys.stdout.flush()


@pytest.fixture(scope="session")
def vm_house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Makes machines; for a test that wants two, or a cold start."""
    chosen = request.config.option
    with House(chosen.vm_suite, debs=chosen.vm_deb) as house:
        yield house


@pytest.fixture(scope="module")
def vm_warm(vm_house: House) -> Iterator[tuple[Warm, Transcript]]:
    warm, transcript = Warm(vm_house), Transcript()
    yield warm, transcript
    warm.drop()


@pytest.fixture
def vm(request: pytest.FixtureRequest, vm_warm: tuple[Warm, Transcript], vm_house: House) -> Iterator[Machine]:
    """A running machine."""
    warm, transcript = vm_warm
    transcript.text.clear()
    alone = request.node.get_closest_marker("destructive") is not None
    bare = request.node.get_closest_marker("bare") is not None
    machine = warm.lend(bare=bare, alone=alone, hear=transcript)
    yield machine
    failed = request.node.stash.get(_FAILED, False)
    if failed:
        keep(machine, transcript, evidence(request.config, vm_house.suite, request.node.nodeid))
    if failed or alone:
        warm.drop()


def evidence(config: pytest.Config, suite: str, test: str) -> Path:
    return config.rootpath / "build" / "vm" / suite / re.sub(r"[^\w.-]+", "-", test).strip("-")


def keep(machine: Machine, transcript: Transcript, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    machine.keep(target)
    (target / "said.txt").write_text("".join(transcript.text))
