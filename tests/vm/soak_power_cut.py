"""`make soak`: power cut after every step of a load and of a removal, as exoctl tells them."""

import re
from collections.abc import Callable

import pytest

from exosdk.testing.vm import Machine
from tests.vm.exod import SHIPPED, Exod
from tests.vm.test_power_cut import judge

LOAD, REMOVE = 13, 7
"""How many steps they have, and the moment before the first."""


def passed(number: int) -> Callable[[str], bool]:
    """Whether so many steps are done, by exoctl's progress; it may leave out some, and says when the job has ended."""

    def look(said: str) -> bool:
        return any(int(done) >= number for done in re.findall(r'"steps_done": (\d+)', said)) or '"done"' in said

    return look


@pytest.mark.destructive
@pytest.mark.parametrize("step", range(LOAD))
def test_a_load_is_whole_or_undone_after_a_cut(vm: Machine, exod: Exod, step: int) -> None:
    loading = vm.start(["exoctl", "--json", "plugin", "load", f"{SHIPPED}/echo_1.0.0.exopkg"])
    loading.await_that(passed(step), f"step {step}")
    vm.power_cut()
    judge(vm, exod)


@pytest.mark.destructive
@pytest.mark.parametrize("step", range(REMOVE))
def test_a_removal_is_whole_or_undone_after_a_cut(vm: Machine, exod: Exod, step: int) -> None:
    exod.load("echo")
    removing = vm.start(["exoctl", "--json", "plugin", "remove", "--purge", "echo"])
    removing.await_that(passed(step), f"step {step}")
    vm.power_cut()
    judge(vm, exod)
