"""What of the host's other services exod leans on: systemd, D-Bus, polkit."""

import re
from collections.abc import Iterator
from pathlib import Path

from exod.brokers.doctor.check import Check, Verdict, ok, unknown, warning, wrong
from exod.brokers.doctor.host import Host
from exod.brokers.doctor.polkit import answers

RUNNING = Path("/run/systemd/system")
_PACKAGES = Path("/var/lib/dpkg/status")
_UNITS = tuple(Path(top) / "systemd/system" for top in ("/etc", "/run", "/usr/lib"))
_AFFECTED = range(257, 260)
"""CVE-2026-40223: a unit with Delegate=yes and without User= lets a local user crash pid 1."""
POLICIES = tuple(Path(top) / "dbus-1/system.d/org.exoos.Exod1.conf" for top in ("/etc", "/usr/share"))
_VERSION = re.compile(r"^Package: systemd\n(?:.+\n)*?Version: (([0-9]+)\S*)$", re.MULTILINE)
_DELEGATE = re.compile(r"^Delegate=(?!no$|false$|0$|off$)", re.MULTILINE | re.IGNORECASE)
_USER = re.compile(r"^User=(?!root$|0$)\S", re.MULTILINE)


def delegating_units(_: Host) -> Verdict:
    if not RUNNING.is_dir():
        return ok("systemd does not run here")
    found = _VERSION.search(_PACKAGES.read_text(errors="replace")) if _PACKAGES.exists() else None
    if found is None:
        return unknown("nothing says which systemd is installed")
    if int(found[2]) not in _AFFECTED:
        return ok(f"systemd {found[1]} is not affected")
    units = sorted(_exposed())
    said = f"systemd {found[1]} may be (CVE-2026-40223)"
    return warning(f"{said}; open to it: {', '.join(units)}") if units else ok(f"{said}, but no unit is open to it")


def _exposed() -> Iterator[str]:
    """Units that delegate and run as root; the first directory that has a unit is the one that counts."""
    seen = set()
    for path in (path for directory in _UNITS for path in sorted(directory.glob("*.service"))):
        if path.name in seen or path.is_symlink():
            continue
        seen.add(path.name)
        dropins = (one for top in _UNITS for one in sorted((top / f"{path.name}.d").glob("*.conf")))
        text = "\n".join(one.read_text(errors="replace") for one in (path, *dropins))
        if _DELEGATE.search(text) and not _USER.search(text):
            yield path.name


def bus_policy(host: Host) -> Verdict:
    if host.layout.development:
        return ok("exod --dev brings its own bus and policy")
    found = [path for path in POLICIES if path.is_file()]
    if not found:
        return wrong("org.exoos.Exod1.conf is in neither /etc nor /usr/share")
    text = found[0].read_text(errors="replace")
    if 'own="org.exoos.Exod1"' not in text or 'min_fds="1"' not in text:
        return wrong(f"{found[0]} is not the one that exod ships")
    return ok(f"{found[0]}")


def polkit(host: Host) -> Verdict:
    problem = answers(host.layout.bus)
    return warning(problem) if problem else ok("the bus has it, or started it")


CHECKS = (
    Check(
        "systemd-delegate",
        "no unit is open to CVE-2026-40223",
        "a local user can crash pid 1 of an unpatched systemd 257, 258 or 259",
        "It takes a unit with Delegate=yes and without User=. exod's own unit has a User=; others may not.",
        delegating_units,
    ),
    Check(
        "bus-policy",
        "exod's D-Bus policy is installed",
        "exod cannot own its name; or descriptors reach methods that take none",
        "etc/dbus/org.exoos.Exod1.conf; the bus reads it again by itself.",
        bus_policy,
    ),
    Check(
        "polkit",
        "polkit runs, or can be started",
        "only root can load, start or stop plugins: nobody else can be asked who they are",
        "Install polkitd and etc/polkit/org.exoos.exod1.policy.",
        polkit,
        seconds=15.0,
    ),
)
