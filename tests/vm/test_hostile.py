"""The hostile plugins on this kernel: catalogue and trial of `make security`, over the exod that is installed."""

import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from exosdk.testing.vm import Machine
from tests.security.hostile.catalogue import EVERY
from tests.security.hostile.house import compiled
from tests.vm.conftest import Figure
from tests.vm.exod import PATHS

PLACE = "/srv/hostile"
TESTS = Path(__file__).resolve().parents[1]
TRIAL = f"cd {PLACE} && python3 -m tests.security.hostile.elsewhere tools >said"


def carry(vm: Machine, tools: Path) -> None:
    """The tests, and what was compiled for them: the guest has no compiler."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(TESTS, "tests", filter=lambda entry: None if entry.name.endswith("__pycache__") else entry)
        tar.add(compiled(tools), "tools")
    vm.put(f"{PLACE}/all.tar", packed.getvalue())
    vm.run(f"cd {PLACE} && tar xf all.tar && rm all.tar")


@pytest.mark.destructive
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("deb")
def test_on_this_kernel_too_every_attempt_is_stopped_and_succeeds_without_its_walls(
    vm: Machine, tmp_path: Path, figure: Figure
) -> None:
    """A wall that this kernel does not have stops nothing by itself; the others that the attempt names do."""
    carry(vm, tmp_path)
    vm.run(TRIAL, env={"PYTHONPATH": ":".join((PLACE, *PATHS))}, timeout=1500)
    said: dict[str, dict[str, str]] = json.loads(vm.get(f"{PLACE}/said"))
    assert said.keys() == {attempt.name for attempt in EVERY}
    assert {name: each for name, each in said.items() if each["said"] != "stopped"} == {}
    figure("hostile plugins stopped", len(said), f"of {len(EVERY)}")
    for wall, number in sorted(Counter(each["lacked"] for each in said.values() if each["lacked"]).items()):
        figure(f"of these by other walls alone, for this kernel's {wall} is too old", number, "")
