"""Two Confinements and a wish → whether there may be a link and of what shape; which topics and methods. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exod.errors import Refusal, Refused
from exod.package.services import ANY, Service
from exod.plan.confine import Confinement
from exod.plan.policy import AND

PRIORITIES = ("urgent", "normal", "bulk")
ANYBODY = "*"
LINK_MAX = 1 << 62
"""Numbers of links are random ones from 1 on."""
LINKS_MAX = 256
"""Of one instance, in both directions."""
FEW = 8
"""Links that an instance sends on; who has more gets smaller ones."""
_SLOTS_FEW, _SLOTS_OF_MANY, _SLOTS_MAX = 4096, 256, 1 << 16
_ARENA_FEW, _ARENA_OF_MANY, _ARENA_MAX = 1 << 20, 64 << 10, 16 << 20
SUBSCRIPTIONS_MAX = 64
_WORD = "[a-z0-9][a-z0-9_-]*"
_PATTERN = re.compile(rf"#[3-7]|({_WORD}|\*)(/({_WORD}|\*))*")
_PATTERN_MAX = 255


@dataclass(frozen=True, slots=True)
class Shape:
    """slots: of 64 bytes. arena: bytes."""

    priority: str
    slots: int
    arena: int


def refused(sender: Confinement, receiver: Confinement) -> Refusal | None:
    """Whether the first may send to the second: each names the other, or anybody."""
    what = f"cannot link {sender.plugin} with {receiver.plugin}"
    for one, other in ((sender, receiver), (receiver, sender)):
        if "native" in one.permissions:
            # A mapped memfd can be executed, whatever its seals say.
            return Refusal("link-denied", f"{what}: {one.plugin} runs machine code of its own")
        if not {other.plugin, ANYBODY} & set(one.permissions.get("ipc", ())):
            return Refusal("link-denied", f"{what}: {one.plugin} was not granted ipc with {other.plugin}")
    return None


def shape(wanted: Any, *, to: str, sending: int) -> Shape:
    """`wanted` is the plugin's, unchecked; zeros are chosen. `sending`: links that the sender has. Raises Refused."""
    asked = wanted if isinstance(wanted, Mapping) else {}
    few = sending < FEW
    slots = asked.get("slots") or (_SLOTS_FEW if few else _SLOTS_OF_MANY)
    arena = asked.get("arena") or (_ARENA_FEW if few else _ARENA_OF_MANY)
    if asked.get("priority") not in PRIORITIES:
        raise Refused(_unfit(to, "there is no such priority"))
    if not _slots(slots):
        raise Refused(_unfit(to, f"slots are a power of two from 32 to {_SLOTS_MAX}"))
    if not _arena(arena):
        raise Refused(_unfit(to, f"an arena is a power of two from 4096 to {_ARENA_MAX}"))
    return Shape(str(asked["priority"]), slots, arena)


def _slots(value: Any) -> bool:
    return _power(value, 32, _SLOTS_MAX)


def _arena(value: Any) -> bool:
    return _power(value, 4096, _ARENA_MAX)


def _power(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most and not value & value - 1


def _unfit(to: str, reason: str) -> Refusal:
    return Refusal("link-malformed", f"cannot link with {to}: {reason}")


def calls(services: Iterable[Service], caller: str) -> tuple[str, ...]:
    """SERVICE.Method that a plugin may call: rules about users admit none."""
    found = []
    for service in services:
        for method in service.methods:
            rules = set((method.access or service.access).split(AND)) - {ANY}
            if rules <= {f"plugin:{caller}"}:
                found.append(f"{service.name}.{method.name}")
    return tuple(found)


def is_pattern(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= _PATTERN_MAX and _PATTERN.fullmatch(text) is not None


def about(patterns: Sequence[str], publisher: str) -> tuple[str, ...]:
    """Those that can select a topic of that plugin."""
    return tuple(one for one in patterns if one.partition("/")[0] in (publisher, ANYBODY) or one[0] == "#")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an instance says of a link that it has, to an exod that has just begun."""

    link: int
    peer: str
    instance: int
    sends: bool
    shape: Shape


_CLAIM = (int, str, int, bool, str, int, int)


def claims(said: Any) -> list[Claim]:
    """Those that are claims at all."""
    rows = said[:LINKS_MAX] if isinstance(said, list) else []
    good = [row for row in rows if isinstance(row, list) and tuple(map(type, row)) == _CLAIM]
    return [
        Claim(link, peer, instance, sends, Shape(priority, slots, arena))
        for link, peer, instance, sends, priority, slots, arena in good
        if priority in PRIORITIES and 0 < link <= LINK_MAX and _slots(slots) and _arena(arena)
    ]


def match(one: Claim, plugin: str, number: int, other: Claim, peer: str, peer_number: int) -> bool:
    """Whether two instances, named and numbered, claim the two ends of one link."""
    ends = (one.peer, one.instance, other.peer, other.instance) == (peer, peer_number, plugin, number)
    return ends and number != peer_number and one.sends != other.sends and one.shape == other.shape
