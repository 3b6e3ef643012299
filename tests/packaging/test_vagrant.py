"""The Vagrantfile, as Vagrant reads it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(600)]


def test_vagrant_finds_nothing_wrong_with_it(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    [deb] = request.config.option.vm_deb
    ours = {"VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot"), "DEB": str(deb)}
    done = subprocess.run(["vagrant", "validate"], cwd=ROOT, env=os.environ | ours, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated successfully" in done.stdout
