"""A statement, signed by the old owner of plugins, that another key follows it: bytes → Rotation.

Names are listed one by one. A statement of a revoked key counts for nothing: whoever stole the key would write one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from exod.errors import Refusal
from exod.package.envelope import ROTATION
from exod.package.fields import Digits, Field, List, Name, Table, Whole
from exod.package.payload import TIME_MAX
from exod.trust import statement
from exod.trust.anchors import Anchor

NAMES_MAX = 256


@dataclass(frozen=True, slots=True)
class Rotation:
    """`old` hands `names` to `new` (both key ids); `issued` in seconds since the epoch."""

    names: tuple[str, ...]
    old: str
    new: str
    issued: int


def parse(data: bytes, *, anchors: Iterable[Anchor]) -> Rotation | Refusal:
    identities = [one for anchor in anchors for one in anchor.identities]
    found = statement.read(data, kind=ROTATION, table=_TABLE, identities=identities, thing="rotation")
    if isinstance(found, Refusal):
        return found
    row, signer = found
    if row["old"] != signer.key_id or row["new"] == row["old"]:
        return Refusal("rotation-invalid", "cannot read rotation: it hands on what is not its signer's")
    return Rotation(**row)


def leads(rotations: Iterable[Rotation], name: str, *, old: str, new: str, revoked: Collection[str]) -> bool:
    """Whether statements lead from one owner of `name` to another, over any number of hands, none of them revoked."""
    reached, statements = {old}, list(rotations)
    while True:
        fresh = {
            one.new for one in statements if one.old in reached and one.old not in revoked and name in one.names
        } - reached
        if not fresh or new in reached:
            return new in reached
        reached |= fresh


_TABLE = Table(
    Field("names", List(Name(), most=NAMES_MAX)),
    Field("old", Digits()),
    Field("new", Digits()),
    Field("issued", Whole(0, TIME_MAX)),
)
