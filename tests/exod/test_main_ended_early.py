"""Whoever asks a development daemon to end while it starts is left with nothing: no bus, no keeper, no group."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.residue import left

EXOD = str(Path(sys.executable).with_name("exod"))


def begun(directory: Path) -> bool:
    """The bus is about to be started, the daemon not yet imported."""
    return (directory / "run/bus.conf").exists()


def halfway(directory: Path) -> bool:
    return (directory / "lib/registry.sqlite").exists()


def attached(directory: Path) -> bool:
    return (directory / "run/keeper.sock").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", [begun, halfway, attached])
def test_an_early_end_leaves_nothing(tmp_path: Path, moment: Callable[[Path], bool], number: signal.Signals) -> None:
    directory = tmp_path / "dev"
    command = [EXOD, "--dev", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        until = time.monotonic() + 20
        while not moment(directory) and process.poll() is None:
            assert time.monotonic() < until
        process.send_signal(number)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert left(directory) == []
    assert not (directory / "run/bus").exists()
