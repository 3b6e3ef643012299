"""Which keys and packages are no longer trusted: a signed list, or the host's own `revoked.toml`, → Revocations.

A vendor's list may revoke any key; any other signer only itself. Refuses a list older than one already accepted, so
that nobody brings a revoked key back by bringing back yesterday's list. A refused list revokes nothing, but see
`exod.trust.gather` for the host's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exod.errors import Refusal
from exod.package.document import read
from exod.package.envelope import REVOCATION
from exod.package.fields import Digits, Field, List, Named, Shown, Table, Whole
from exod.package.malformed import MalformedError
from exod.package.payload import COUNT_MAX, TIME_MAX
from exod.trust import statement
from exod.trust.anchors import Anchor
from exod.trust.state import TrustState

ENTRIES_MAX = 512


@dataclass(frozen=True, slots=True)
class Revocations:
    """All lists in force, merged. `fresh_until`: the earliest expiry of the signed ones; None where there is none."""

    keys: Mapping[str, str] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()
    fresh_until: int | None = None
    sequences: Mapping[str, int] = field(default_factory=dict)

    def stale(self, *, now: int) -> str:
        """Why these lists do not say what is revoked today; "" when they do."""
        if self.fresh_until is None:
            return "there is no signed revocation list"
        return "the revocation list has expired" if self.fresh_until <= now else ""


def merge(lists: Iterable[Revocations]) -> Revocations:
    """What any list revokes is revoked; the first to expire makes all stale."""
    every = tuple(lists)
    return Revocations(
        {key: reason for one in every for key, reason in one.keys.items()},
        frozenset(digest for one in every for digest in one.packages),
        min((one.fresh_until for one in every if one.fresh_until is not None), default=None),
        {key: sequence for one in every for key, sequence in one.sequences.items()},
    )


def parse(data: bytes, *, anchors: Iterable[Anchor], state: TrustState) -> Revocations | Refusal:
    """A signed list. `state` remembers the newest sequence of each signer."""
    vendors = {one.key_id for anchor in anchors if anchor.level == "vendor" for one in anchor.identities}
    identities = [one for anchor in anchors for one in anchor.identities]
    found = statement.read(data, kind=REVOCATION, table=_SIGNED, identities=identities, thing="revocation")
    if isinstance(found, Refusal):
        return found
    row, signer = found
    newest = state.lists.get(signer.key_id, 0)
    if row["sequence"] < newest:
        sentence = f"cannot read revocation: it has number {row['sequence']}, number {newest} was already seen"
        return Refusal("revocation-old", sentence, "fetch the newest list from its signer")
    keys = dict(row["keys"])
    if signer.key_id not in vendors and (set(keys) - {signer.key_id} or row["packages"]):
        return Refusal("revocation-out-of-scope", "cannot read revocation: only a vendor revokes what is not its own")
    sequences = {signer.key_id: row["sequence"]}
    return Revocations(keys, frozenset(row["packages"]), row["expires"], sequences)


def parse_local(data: bytes) -> Revocations | Refusal:
    """`revoked.toml`: `[keys]` of id = "reason", `packages = [digest, …]`; trusted as the root-owned file it is."""
    try:
        row = read(data, _LOCAL, limit=statement.MAX_BYTES)
    except MalformedError as fault:
        return fault.refusal("revoked.toml", code="revocation-malformed")
    return Revocations(dict(row["keys"]), frozenset(row["packages"]))


_KEYS = Field("keys", Named(Digits(), Shown(256), most=ENTRIES_MAX), default=())
_PACKAGES = Field("packages", List(Digits(), most=ENTRIES_MAX), default=())
_LOCAL = Table(_KEYS, _PACKAGES)
# What a signer states: key ids with reasons, SHA-256 of zips; times in seconds since the epoch.
_SIGNED = Table(
    Field("sequence", Whole(0, COUNT_MAX)),
    Field("issued", Whole(0, TIME_MAX)),
    Field("expires", Whole(0, TIME_MAX)),
    _KEYS,
    _PACKAGES,
)
