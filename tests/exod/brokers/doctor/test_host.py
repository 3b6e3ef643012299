"""A host as the doctor starts from it: its places, settings it could not read, a kernel without cgroup v2."""

from dataclasses import replace
from pathlib import Path

from exod.brokers.doctor.host import look
from exod.errors import Refusal, Refused
from exod.settings import Settings
from tests.exod.brokers.doctor.broken import PORTS, host


def test_production_has_its_own_places() -> None:
    found = look(None, PORTS, now=1.0)
    assert (str(found.layout.config), found.now) == ("/etc/exod", 1.0)


def test_settings_that_cannot_be_read_are_told_and_the_usual_ones_looked_at(tmp_path: Path) -> None:
    refused = replace(host(tmp_path), settings=Refusal("x", "cannot read settings: x"))
    assert refused.chosen == Settings()


def test_a_kernel_without_cgroups_is_a_host_too(tmp_path: Path) -> None:
    def nowhere(*, directory: Path | None) -> Path:
        raise Refused(Refusal("no-cgroup-v2", f"none for {directory}"))

    assert look(tmp_path, replace(PORTS, place=nowhere), now=0.0).group is None
