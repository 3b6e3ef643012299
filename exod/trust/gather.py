"""The files of trust.d, as bytes → Trust, and one refusal for each file that was not taken.

`NAME.toml` is an anchor, `revoked.toml` the host's own revocations, `levels.toml` its ceilings of trust levels,
`*.revocation` and `*.rotation` are signed statements.
A bad file refuses only itself and widens nothing; `unread` says that the host's own revocations are such a file.
Development anchors count only under `--dev`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exod.errors import Refusal
from exod.trust import anchors, levels, revocation, rotation
from exod.trust.anchors import Anchor
from exod.trust.levels import Levels
from exod.trust.revocation import Revocations
from exod.trust.rotation import Rotation
from exod.trust.state import TrustState

LOCAL = "revoked.toml"
OWN = (LOCAL, levels.FILE)
"""What this host says itself, so that no anchor is called like it."""


@dataclass(frozen=True, slots=True)
class Gathered:
    anchors: tuple[Anchor, ...]
    revocations: Revocations
    rotations: tuple[Rotation, ...]
    refusals: tuple[Refusal, ...]
    levels: Levels
    unread: Refusal | None
    """Why it is not known what this host itself has revoked."""


def gather(files: Mapping[str, bytes], *, state: TrustState, development: bool = False) -> Gathered:
    """`files`: name → bytes, read once by whoever may open them."""
    named = sorted(files.items())
    found = [_anchor(name, data, development=development) for name, data in named if _is_anchor(name)]
    trusted = tuple(one for one in found if isinstance(one, Anchor))
    local = revocation.parse_local(files.get(LOCAL, b""))
    lists: list[Revocations | Refusal] = [local]
    # A key that this host has revoked has no say in what else is: whoever stole it would revoke its successor.
    heard = tuple(one for one in trusted if isinstance(local, Refusal) or not _revoked(one, local))
    lists += [
        revocation.parse(data, anchors=heard, state=state) for name, data in named if name.endswith(".revocation")
    ]
    reach = levels.parse(files.get(levels.FILE, b""))
    handed = [rotation.parse(data, anchors=trusted) for name, data in named if name.endswith(".rotation")]
    return Gathered(
        trusted,
        revocation.merge(one for one in lists if isinstance(one, Revocations)),
        tuple(one for one in handed if isinstance(one, Rotation)),
        tuple(one for one in (*found, *lists, reach, *handed) if isinstance(one, Refusal)),
        levels.NOTHING if isinstance(reach, Refusal) else reach,
        local if isinstance(local, Refusal) else None,
    )


def _revoked(anchor: Anchor, local: Revocations) -> bool:
    return any(identity.key_id in local.keys for identity in anchor.identities)


def _is_anchor(name: str) -> bool:
    return name.endswith(".toml") and name not in OWN


def _anchor(name: str, data: bytes, *, development: bool) -> Anchor | Refusal:
    anchor = anchors.parse(data, name=name.removesuffix(".toml"))
    if isinstance(anchor, Anchor) and anchor.level == "dev" and not development:
        return Refusal("dev-anchor", f"cannot read anchor {anchor.name}: a development key counts only under --dev")
    return anchor
