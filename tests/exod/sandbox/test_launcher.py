"""What the launcher does before it becomes the keeper, in a fork that is thrown away."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from exod.linux import procfs
from exod.sandbox import launcher, runtime
from tests.exod.sandbox.rig import STUB


def in_fork(work: Callable[[], object]) -> int:
    """0 when `work` was true, 1 when it was false, 2 when it raised."""
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            code = 0 if work() else 1
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_runtime_lies_over_run_for_this_process_only() -> None:
    before = sorted(os.listdir("/run"))

    def work() -> bool:
        launcher.private_runtime(runtime.sources(STUB))
        return os.listdir("/run") == ["exod"] and Path("/run/exod/code/exod/sandbox/keeper.py").is_file()

    assert in_fork(work) == 0
    assert sorted(os.listdir("/run")) == before


def test_nothing_of_root_is_left_and_nothing_can_be_had() -> None:
    def work() -> bool:
        launcher.become(4711)
        status = procfs.status(os.getpid())
        sets = {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
        return sets == {"0" * 16} and os.getresuid() == (4711,) * 3 and status["NoNewPrivs"] == "1"

    assert in_fork(work) == 0


def test_a_launcher_that_cannot_enter_its_group_ends() -> None:
    def work() -> None:
        sys.argv[1:] = ["/none", "/none", "4711", "0"]
        launcher.main()

    assert in_fork(work) == 2
