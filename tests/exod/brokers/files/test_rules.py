"""Which paths are never granted, whatever a policy says."""

import pytest

from exod.brokers.files import rules
from exod.plan.confine import OPEN_FILES
from exod.sandbox import frames


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
        "/var/lib",
        "/usr",
    ],
)
def test_what_is_never_granted_is_refused_before_it_is_opened(path: str) -> None:
    found = rules.refusal(path)
    assert found is not None
    assert (found.code, found.sentence.startswith(f"cannot grant {path}: ")) == ("file-grant-refused", True)


@pytest.mark.parametrize("path", [*sorted(OPEN_FILES), "/srv/models", "/etc/os-release", "/tmpfiles"])
def test_what_is_nobodys_secret_is_not_refused(path: str) -> None:
    assert rules.refusal(path) is None


def test_no_more_is_granted_than_a_fork_request_carries() -> None:
    assert rules.PATHS_MAX == frames.FILES_MAX
