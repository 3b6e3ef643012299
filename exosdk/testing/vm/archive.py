"""This machine's own apt configuration → where a suite's packages come from, as lines for mmdebstrap.

No host is named here: what this machine may reach, and through which proxy, only its administrator knows.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from exosdk.testing.vm.unusable import Unusable

_TARGETS = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
_PASSED_ON = ("Acquire::http", "Acquire::https", "Acquire::Retries")


def sources(suite: str) -> list[str]:
    """One `deb URI SUITE COMPONENT` a line. Raises Unusable where apt knows nothing of Debian."""
    found = for_suite(_asked("apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages"), own(), suite)
    if not found:
        raise Unusable("cannot build an image: apt knows no Debian archive here; run: apt-get update")
    return found


def for_suite(targets: Iterable[str], here: str, suite: str) -> list[str]:
    """`targets` are apt's for the codename `here`; the same archives have the other suites beside it."""
    lines = []
    for uri, release, component, *origin in (target.split() for target in targets):
        codename, dash, rest = release.partition("-")
        if codename == here and component == "main" and origin == ["Debian"]:
            lines.append(f"deb {uri} {suite}{dash}{rest} {component}")
    return sorted(set(lines))


def own() -> str:
    """The codename of this machine's Debian."""
    fields = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return fields.get("VERSION_CODENAME", "").strip('"')


def options() -> list[str]:
    """How this machine reaches its archives (proxies, retries), one apt option a line."""
    return [line for line in _asked("apt-config", "dump", "--no-empty") if line.startswith(_PASSED_ON)]


def _asked(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unusable(f"cannot read this machine's apt sources: {error}; images are built on Debian only") from error
    return done.stdout.splitlines()
