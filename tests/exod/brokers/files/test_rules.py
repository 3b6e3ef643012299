"""Which paths are never granted, whatever a policy says."""

import pytest

from exod.brokers.files import rules
from exod.brokers.files.rules import OPEN_FILES
from exod.sandbox import frames
from tests.exod.sandbox.rig import confinement


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "relative",
        "//etc/hostname",
        "/etc//hostname",
        "/etc/./hostname",
        "/etc/../etc/hostname",
        "/etc/hostname/",
        "/etc/host\0name",
        "/proc/version",
        "/proc/self/mem",
        "/proc/net/dev",
        "/proc/1/environ",
        "/sys/kernel/notes",
        "/dev/null",
        "/run/x",
        "/boot/x",
        "/etc/exod/exod.toml",
        "/var/lib/exod/trust/state.json",
        "/etc/shadow",
        "/etc/gshadow",
        "/plugin/code/x.py",
        "/tmp/x",
        "/state/x",
        "/usr/lib/python3.11/os.py",
        "/etc",
        "/proc",
        "/sys/kernel/debug",
        "/dev/mem",
        "/run/dbus/system_bus_socket",
        "/var/run/docker.sock",
        "/boot/vmlinuz",
        "/etc/exod/trust.d/a.toml",
        "/etc/shadow-",
        "/etc/",
        "/etc/../etc/shadow",
        "/etc//passwd",
        "/var/lib",
        "/usr",
    ],
)
def test_what_is_never_granted_is_refused_before_it_is_opened(path: str) -> None:
    assert rules.fault(path)
    found = rules.check(confinement(files=("/proc/stat", path)))
    assert found is not None
    assert (found.code, found.evidence["permission"]) == ("permission-refused", path)
    assert found.sentence.startswith(f"cannot load hello 1.0.0: it asks for {path}: ")


@pytest.mark.parametrize("path", [*sorted(OPEN_FILES), "/srv/models", "/etc/os-release", "/tmpfiles"])
def test_what_is_nobodys_secret_is_not_refused(path: str) -> None:
    assert rules.fault(path) == ""
    assert rules.check(confinement(files=(path,))) is None


def test_no_more_is_granted_than_a_fork_request_carries() -> None:
    assert rules.PATHS_MAX == frames.FILES_MAX


def test_a_figure_of_the_host_is_only_ever_read() -> None:
    found = rules.check(confinement(writable=("/proc/stat",)))
    assert found is not None
    assert "only ever read" in found.sentence


@pytest.mark.parametrize("how", [{}, {"writable": 1}])
@pytest.mark.parametrize("paths", [("/srv", "/srv/a"), ("/srv/a/b", "/srv/a"), ("/srv/a", "/srv/a")])
def test_one_grant_inside_another_is_refused(paths: tuple[str, str], how: dict[str, int]) -> None:
    asked = confinement(files=paths[:1], writable=paths[1:]) if how else confinement(files=paths)
    found = rules.check(asked)
    assert found is not None
    assert (found.code, "holds the other" in found.sentence) == ("permission-refused", True)


def test_neighbours_with_a_common_beginning_are_not_inside_each_other() -> None:
    assert rules.check(confinement(files=("/srv/a", "/srv/ab"))) is None
