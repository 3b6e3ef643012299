import pytest

from exod.names import BUS_NAME, ROOT_PATH
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

STATUS = {
    "Version": "0.1.0",
    "ApiLevel": 1,
    "State": "degraded",
    "Mode": "development",
    "Degraded": {"landlock": "files are guarded by mounts alone"},
    "StartedAt": 1_700_000_000,
    "Zygotes": [["lab", "trusted", "in-use", 70, 6_000_000], ["lab", "trusted", "next", 71, 5_900_000]],
}


def test_what_the_host_lacks_is_named_with_what_it_costs(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.objects[ROOT_PATH] = {f"{BUS_NAME}.Manager": STATUS}
    lines = exoctl("daemon", "status").out.splitlines()
    assert lines[0].split() == ["state:", "degraded"]
    assert lines[-1] == "degraded: landlock: files are guarded by mounts alone"


def test_what_waits_for_the_next_start_is_shown_with_its_memory(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.objects[ROOT_PATH] = {f"{BUS_NAME}.Manager": STATUS}
    assert "zygotes:    2, 1 of them waiting to be needed, 11.9 MB" in exoctl("daemon", "status").out


def test_json_has_every_property(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.objects[ROOT_PATH] = {f"{BUS_NAME}.Manager": STATUS}
    assert exoctl("--json", "daemon", "status").json["api_level"] == 1


def test_a_daemon_that_is_not_there_ends_with_6(exoctl: Exoctl, bus: str) -> None:
    ran = exoctl("--json", "--address", bus, "daemon", "status")
    assert (ran.code, ran.error["code"], ran.error["hint"]) == (6, "daemon-unreachable", "systemctl start exod")


def test_a_development_daemon_that_is_not_there_is_started_as_one(
    exoctl: Exoctl, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXOD_DEV_DIR", "/tmp/exod-dev")
    assert exoctl("--json", "--address", bus, "daemon", "status").error["hint"] == "exod --dev /tmp/exod-dev"


def test_a_bus_that_is_not_there_ends_with_6(exoctl: Exoctl) -> None:
    assert exoctl("--json", "--address", "unix:path=/nowhere", "daemon", "status").code == 6
