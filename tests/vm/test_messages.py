"""Messages between the first-party plugins in the guest: under systemd's unit and Debian's kernel, which is older."""

import pytest

from exosdk.testing.vm import Machine
from tests.vm.exod import Exod, until


@pytest.mark.destructive
def test_hostpulse_is_recorded_over_a_link_that_outlives_exod(vm: Machine, exod: Exod) -> None:
    exod.load("recorder", "hostpulse")
    until(lambda: _samples(exod) > 0, "a sample of hostpulse in the recorder")
    before = exod.ctl("link", "list")
    assert [(row["from"], row["to"]) for row in _rows(before)] == [("hostpulse", "recorder")]
    pid = exod.pid("recorder")
    vm.run("systemctl restart exod.service")
    exod.await_state("recorder", "running")
    known = _samples(exod)
    until(lambda: _samples(exod) > known, "another sample after exod's restart")
    assert exod.pid("recorder") == pid
    assert [row["link"] for row in _rows(exod.ctl("link", "list"))] == [row["link"] for row in _rows(before)]
    exod.remove("hostpulse", "recorder")


def _samples(exod: Exod) -> int:
    return sum(int(row[3]) for row in exod.call("recorder", "Series"))


def _rows(said: object) -> list[dict[str, object]]:
    """One line of JSON is one value, whether it is a list or not."""
    assert isinstance(said, list)
    return said
