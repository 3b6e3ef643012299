"""Whom this host trusts, and what lies in the store by now: judged by the same code that judges a load."""

import pwd
import time
from collections.abc import Iterator
from pathlib import Path

from exod.brokers.doctor import chain
from exod.brokers.doctor.check import Check, Verdict, ok, warning, wrong
from exod.brokers.doctor.host import Host
from exod.errors import Refusal
from exod.package import parse
from exod.plan import policy
from exod.trust import state as states
from exod.trust.gather import Gathered, gather
from exod.trust.state import TrustState

_SOON = 30 * 86400
_AHEAD = 86400
_STATE = "trust/state.json"
SUBUID = Path("/etc/subuid")


def _state(host: Host) -> TrustState | Refusal | None:
    """None before exod first ran."""
    try:
        return states.decode((host.layout.state / _STATE).read_bytes())
    except FileNotFoundError:
        return None


def _gathered(host: Host) -> tuple[Gathered, tuple[str, ...]]:
    """What is trusted, and why some files are not taken."""
    read = host.ports.read(host.layout.config / "trust.d", suffix="")
    known = _state(host)
    state = known if isinstance(known, TrustState) else TrustState()
    found = gather(dict(read.files), state=state, development=host.layout.development)
    return found, tuple(refusal.sentence for refusal in (*read.refusals, *found.refusals))


def trust_files(host: Host) -> Verdict:
    _, refused = _gathered(host)
    return wrong("; ".join(refused)) if refused else ok("every file of trust.d is taken")


def policies(host: Host) -> Verdict:
    found = host.ports.read(host.layout.config / "plugins.d")
    read = [policy.parse(data, name=name.removesuffix(".toml")) for name, data in found.files]
    refused = [one.sentence for one in (*found.refusals, *read) if isinstance(one, Refusal)]
    return wrong("; ".join(refused)) if refused else ok(f"{len(read)} taken")


def anchors(host: Host) -> Verdict:
    found, _ = _gathered(host)
    if not found.anchors:
        return warning("nobody is trusted yet: exoctl key trust NAME")
    ends = {one.name: one.expires for one in found.anchors if one.expires is not None}
    if late := sorted(name for name, end in ends.items() if end <= host.now):
        return wrong(f"expired: {', '.join(late)}")
    soon = sorted(f"{name} on {_day(end)}" for name, end in ends.items() if end <= host.now + _SOON)
    return warning(f"expires soon: {', '.join(soon)}") if soon else ok(f"{len(found.anchors)} in force")


def revocations(host: Host) -> Verdict:
    found, _ = _gathered(host)
    reason = found.revocations.stale(now=int(host.now))
    required = host.chosen.revocation_required
    return ok("a signed list is in force") if not reason else (wrong if required else warning)(reason)


def signers(host: Host) -> Verdict:
    found, _ = _gathered(host)
    revoked, bad, seen = found.revocations, [], 0
    for name, data in _stored(host.layout.state / "packages"):
        seen += 1
        package = parse(data)
        if isinstance(package, Refusal):
            bad.append(f"{name}: {package.sentence}")
        elif keys := [one.key_id for one in package.envelope.signatures if one.key_id in revoked.keys]:
            bad.append(f"{name}: its signer is revoked ({revoked.keys[keys[0]]})")
        elif package.digest in revoked.packages:
            bad.append(f"{name}: this very package is revoked")
    return wrong("; ".join(bad)) if bad else ok(f"{seen} packages, none revoked")


def _stored(store: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(store.glob("[!.]*/*.exopkg")):
        yield f"{path.parent.name} {path.stem}", path.read_bytes()


def clock(host: Host) -> Verdict:
    known = _state(host)
    if known is None:
        return ok("exod has seen no time yet")
    if isinstance(known, Refusal):
        return wrong(known.sentence)
    if known.clock > host.now + _AHEAD:
        return wrong(f"it is {_day(int(host.now))}, and exod has already seen {_day(known.clock)}")
    return ok("not behind the newest time that exod saw")


def audit(host: Host) -> Verdict:
    place = host.layout.state / "audit"
    if not place.is_dir():
        return ok("nothing was ever written")
    # exod may be writing the last line just now: only what stands at both looks is a finding.
    found = chain.broken(place)
    if found:
        again = chain.broken(place)
        found = [one for one in found if one in again]
    return wrong("; ".join(found[:3])) if found else ok("each record is followed by the one written after it")


def settings(host: Host) -> Verdict:
    return wrong(host.settings.sentence) if isinstance(host.settings, Refusal) else ok("exod.toml is taken, or absent")


def uids(host: Host) -> Verdict:
    first, last = host.chosen.uid_first, host.chosen.uid_last
    found = [one.pw_name for one in pwd.getpwall() if first <= one.pw_uid <= last]
    rows = [row.split(":") for row in SUBUID.read_text().splitlines()] if SUBUID.exists() else []
    ranges = [(row[0], int(row[1]), int(row[2])) for row in rows if len(row) == 3 and (row[1] + row[2]).isdigit()]
    found += [name for name, start, count in ranges if start <= last and start + count > first]
    return wrong(f"{', '.join(found)} has some of {first}-{last}") if found else ok(f"{first}-{last} are nobody's")


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


CHECKS = (
    Check(
        "settings",
        "exod.toml is accepted",
        "exod does not start, or keeps the settings of before",
        "A misspelt key is refused, so that it never silently means its default: exoctl daemon check-config.",
        settings,
    ),
    Check(
        "uid-range",
        "no account has a uid of the plugins' range",
        "exod does not start: who shares a uid may signal and trace the other's processes",
        "uid-first and uid-last of exod.toml; accounts of /etc/passwd and ranges of /etc/subuid must lie elsewhere.",
        uids,
    ),
    Check(
        "trust-files",
        "every file of trust.d is taken",
        "a signer, a rotation or a revocation meant to be in force is not; if it is revoked.toml, nothing loads",
        "A bad file never widens what is trusted: it refuses itself, and every load where it may have refused one.",
        trust_files,
    ),
    Check(
        "policies",
        "every file of plugins.d is taken",
        "the plugin of a file that cannot be read is not started, and ended where it runs",
        "It may have taken something away. A misspelt key is refused: mend it, then exoctl daemon reload.",
        policies,
    ),
    Check(
        "trust-anchors",
        "signers are trusted, and for a month at least",
        "packages of a signer that expired are refused, and plugins that run are stopped",
        "An expiry makes somebody look again. Renew it with: exoctl key trust.",
        anchors,
    ),
    Check(
        "revocation-list",
        "a signed revocation list is in force",
        "a key that was stolen is trusted until somebody takes its anchor away by hand",
        "With revocation-required = true in exod.toml nothing is loaded without one.",
        revocations,
    ),
    Check(
        "revoked-packages",
        "no installed package is revoked",
        "it is not started again, and only a critical one runs on until it is replaced",
        "Remove it, or install a version by a signer that is trusted: exoctl plugin remove NAME.",
        signers,
        seconds=60.0,
    ),
    Check(
        "clock",
        "the clock is not behind what exod has seen",
        "expired signers and lists could count again; exod goes by the newest time that it saw",
        "Whoever sets the clock back brings old trust back; therefore exod remembers.",
        clock,
    ),
    Check(
        "audit-chain",
        "the audit log holds",
        "somebody changed what the log says happened, or a disk lost it",
        "Each record carries the hash of the one before. exoctl audit verify shows what a chain cannot.",
        audit,
        seconds=120.0,
    ),
)
