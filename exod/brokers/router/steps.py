"""Wishes of instances → links that are made, joined and parted, and who subscribes to what; each link is in the audit.

Nothing is kept on disk: an exod that begins anew believes of a link what both its ends say of it.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from exod.brokers import questions
from exod.brokers.questions import Uses, give, tell
from exod.brokers.router import rules
from exod.brokers.router.doorbells import Doorbells
from exod.brokers.router.memories import Memories
from exod.brokers.router.rules import Claim, Shape
from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.ports import Want
from exosdk import wire

KINDS = frozenset(["link", "laid", "broken", "held", "leave", "subscribe", "routes", "members"])
"""Of questions that instances ask."""
LOST, STOPPED, BROKEN, NOT_TAKEN, CHANGED = "instance-lost", "stopped", "broken", "not-taken", "access-changed"
_SECONDS = 5.0
"""For both ends to be made."""
_AT_ONCE = 8
"""Links of one instance that are being made: what it is sent has to fit its channel."""
_PAUSE = 0.02
_USES = 512
"""Questions a second of one plugin: one that begins in a mesh of fifty asks for a hundred."""
_CLAIM_SECONDS = 10.0


class Asker(questions.Asker, Protocol):
    @property
    def id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class World:
    """note: into the audit. sleep, now: on one clock. spawn: a task whose end somebody watches."""

    note: Callable[..., None]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    spawn: Callable[..., object]


@dataclass(slots=True)
class Link:
    """calls: the receiver's methods that the sender may call. rings: it brought the doorbell of this pair."""

    id: int
    sender: Asker
    receiver: Asker
    shape: Shape
    calls: tuple[str, ...]
    joined: bool = False
    rings: bool = False

    def end(self, instance: int) -> Asker | None:
        return next((one for one in (self.sender, self.receiver) if one.id == instance), None)


class Router:
    def __init__(self, world: World) -> None:
        self._world = world
        self._uses = Uses(world.now, most=_USES)
        self._links: dict[int, Link] = {}
        self._able: dict[int, Asker] = {}
        self._claims: dict[int, tuple[Asker, Claim]] = {}
        self._patterns: dict[int, list[str]] = {}
        self._publishers: set[int] = set()
        self._doorbells = Doorbells()
        self._laid: dict[tuple[int, int], asyncio.Future[None]] = {}
        self._slots: dict[int, asyncio.Semaphore] = {}

    # --- what instances say --------------------------------------------------------------------------------------

    def wanted(self, asker: Asker, want: Want) -> None:
        """From the loop."""
        try:
            self._uses.count(asker.plugin, what="ask for links")
        except Refused as refused:
            give(asker, want, None, refused.refusal.sentence)
            return
        match want.kind:
            case "link":
                self._world.spawn(self._open(asker, want), name=f"link for {asker.plugin}")
            case "laid" | "broken":
                self._told(asker, want)
            case "held":
                self._held(asker, rules.claims(want.value))
            case "leave":
                self._leave(asker, STOPPED)
            case _:
                self._answer(asker, want)

    def _answer(self, asker: Asker, want: Want) -> None:
        value: Any = None
        said = ""
        if asker.id not in self._able:
            said = f"cannot ask for {want.kind}: the plugin takes no links"
        elif want.kind == "subscribe":
            said = self._subscribe(asker, want.key)
        elif want.kind == "routes":
            self._publishers.add(asker.id)
            value = self._routes(asker)
        else:
            allowed = (one for one in self._reachable(asker) if one.confinement.type == want.key)
            value = sorted(one.plugin for one in allowed)
        give(asker, want, value, said)

    def _told(self, asker: Asker, want: Want) -> None:
        """Of one end: that it is made, or that it is no good."""
        number = int(want.key) if want.key.isascii() and want.key.isdecimal() and len(want.key) < 20 else 0
        made = self._laid.get((number, asker.id))
        if made is not None and not made.done():
            if want.kind == "laid":
                made.set_result(None)
            else:
                made.set_exception(Refused(_refusal("cannot make a link", f"{asker.plugin} cannot map it")))
            return
        link = self._links.get(number)
        if want.kind == "broken" and link is not None and link.end(asker.id) is not None:
            self._note(link, refused=f"{asker.plugin} found it broken")
            self._part(link, BROKEN)

    # --- links ---------------------------------------------------------------------------------------------------

    async def _open(self, asker: Asker, want: Want) -> None:
        said, link = "", None
        try:
            async with self._slots.setdefault(asker.id, asyncio.Semaphore(_AT_ONCE)):
                link = self._agreed(asker, want)
                async with asyncio.timeout(_SECONDS):
                    await self._make(link)
        except Refused as refused:
            said = refused.refusal.sentence
        except TimeoutError:
            said = f"cannot link with {want.key}: it was not made within {_SECONDS:g} s"
        except OSError as error:
            said = f"cannot link with {want.key}: {error.strerror}"
        if link is None:
            self._world.note("link", "broker", f"plugin {asker.plugin}", plugin=asker.plugin, to=want.key, refused=said)
        else:
            self._note(link, refused=said)
            if said:
                self._part(link, NOT_TAKEN)
        give(asker, want, link.id if link is not None and not said else None, said)

    def _agreed(self, asker: Asker, want: Want) -> Link:
        """Raises Refused."""
        what = f"cannot link {asker.plugin} with {want.key}"
        receiver = next((one for one in self._able.values() if one.plugin == want.key), None)
        if receiver is None or asker.id not in self._able:
            raise Refused(_refusal(what, "it does not run, or takes no links"))
        if refusal := rules.refused(asker.confinement, receiver.confinement):
            raise Refused(refusal)
        if asker.id == receiver.id:
            raise Refused(_refusal(what, "it is the same plugin"))
        of_sender = self._of(asker.id)
        if len(of_sender) >= rules.LINKS_MAX or len(self._of(receiver.id)) >= rules.LINKS_MAX:
            raise Refused(_refusal(what, f"one of them has {rules.LINKS_MAX} links already"))
        sent = [one for one in of_sender if one.sender.id == asker.id]
        found = rules.shape(want.value, to=want.key, sending=len(sent))
        if any((one.receiver.id, one.shape.priority) == (receiver.id, found.priority) for one in sent):
            raise Refused(_refusal(what, f"it has a link of priority {found.priority} already"))
        link = Link(
            secrets.randbits(62) + 1, asker, receiver, found, rules.calls(receiver.confinement.services, asker.plugin)
        )
        self._links[link.id] = link
        return link

    async def _make(self, link: Link) -> None:
        """First each end on its own memory; once these are sealed, each end on the other's. Raises Refused, OSError."""
        ends = (link.sender, link.receiver)
        made = [self._laid.setdefault((link.id, one.id), asyncio.Future()) for one in ends]
        try:
            with Memories(link.shape.slots, link.shape.arena) as memory:
                await self._hand(link.sender, _lay(link, sends=True), memory.front)
                await self._hand(link.receiver, _lay(link, sends=False), memory.back)
                await asyncio.gather(*made)
                if not memory.seal():
                    raise Refused(_refusal(f"cannot link with {link.receiver.plugin}", "an end changed its memory"))
                await self._join(link, memory)
        finally:
            for one, future in zip(ends, made, strict=True):
                self._laid.pop((link.id, one.id), None)
                future.cancel()

    async def _join(self, link: Link, memory: Memories) -> None:
        rung = any(
            (one.sender.id, one.receiver.id, one.rings) == (link.sender.id, link.receiver.id, True)
            for one in self._links.values()
        )
        if rung:
            await self._hand(link.sender, wire.Join(link.id), memory.back)
        else:
            if (house := self._doorbells.house(link.receiver.id)) is None:
                house = self._doorbells.build(link.receiver.id)
                await self._hand(link.receiver, wire.House(), house.fileno())
            with self._doorbells.bell(house) as bell:
                await self._hand(link.sender, wire.Join(link.id), memory.back, bell)
            link.rings = True
        await self._hand(link.receiver, wire.Join(link.id), memory.front)
        link.joined = True

    async def _hand(self, asker: Asker, frame: wire.Down, *descriptors: int) -> None:
        """Once its channel has room: no descriptor waits in a queue. Raises Refused when it is gone."""
        while not asker.line().tell(frame, *descriptors):
            await self._world.sleep(_PAUSE)

    def _part(self, link: Link, reason: str, *, without: int = 0) -> None:
        """`without`: an end that is not there to be told."""
        if self._links.pop(link.id, None) is None:
            return
        for end in (link.sender, link.receiver):
            if end.id != without:
                tell(end, wire.Part(link.id, reason))

    def gone(self, asker: Asker) -> None:
        """Its process is over, or about to be."""
        if self._able.pop(asker.id, None) is None:
            return
        self._leave(asker, LOST)
        self._doorbells.drop(asker.id)
        self._slots.pop(asker.id, None)
        for (_, instance), future in tuple(self._laid.items()):
            if instance == asker.id and not future.done():
                future.set_exception(Refused(_refusal("cannot make a link", f"{asker.plugin} is gone")))

    def changed(self, asker: Asker) -> None:
        """Whose calls it takes may be others now: those links are parted, and the next message makes new ones."""
        for link in self._of(asker.id):
            if link.receiver.id == asker.id and link.calls != rules.calls(
                asker.confinement.services, link.sender.plugin
            ):
                self._part(link, CHANGED)

    def _leave(self, asker: Asker, reason: str) -> None:
        for link in self._of(asker.id):
            self._part(link, reason, without=asker.id if reason == LOST else 0)
        self._publishers.discard(asker.id)
        if self._patterns.pop(asker.id, None):
            self._spread(asker)

    def _of(self, instance: int) -> list[Link]:
        return [link for link in self._links.values() if link.end(instance) is not None]

    # --- topics --------------------------------------------------------------------------------------------------

    def _subscribe(self, asker: Asker, pattern: str) -> str:
        if not rules.is_pattern(pattern):
            return "cannot subscribe: a pattern is PLUGIN/WORD/… with * for a word, or #TYPE"
        mine = self._patterns.setdefault(asker.id, [])
        if len(mine) >= rules.SUBSCRIPTIONS_MAX:
            return f"cannot subscribe to {pattern}: the plugin has {rules.SUBSCRIPTIONS_MAX} subscriptions"
        if pattern not in mine:
            mine.append(pattern)
            self._spread(asker)
        return ""

    def _spread(self, subscriber: Asker) -> None:
        """To whoever publishes, and may send to it, what it wants of theirs."""
        for instance in self._publishers - {subscriber.id}:
            publisher = self._able[instance]
            wanted = rules.about(self._patterns.get(subscriber.id, ()), publisher.plugin)
            if rules.refused(publisher.confinement, subscriber.confinement) is None:
                tell(publisher, wire.Route(subscriber.plugin, wanted))

    def _routes(self, publisher: Asker) -> Mapping[str, Sequence[str]]:
        wanted = {
            one.plugin: list(rules.about(self._patterns.get(one.id, ()), publisher.plugin))
            for one in self._reachable(publisher)
        }
        return {plugin: patterns for plugin, patterns in wanted.items() if patterns}

    def _reachable(self, asker: Asker) -> list[Asker]:
        others = (one for one in self._able.values() if one.id != asker.id)
        return [one for one in others if rules.refused(asker.confinement, one.confinement) is None]

    # --- what another exod made ----------------------------------------------------------------------------------

    def _held(self, asker: Asker, claims: Sequence[Claim]) -> None:
        """It takes links from now on; of one that it has, the other end has to say the same."""
        if not asker.confinement.permissions.get("ipc"):
            return
        self._able[asker.id] = asker
        for claim in claims:
            first = self._claims.pop(claim.link, None)
            if first is None:
                self._claims[claim.link] = (asker, claim)
                self._world.spawn(self._doubt(claim.link), name=f"claim of {asker.plugin}")
            elif rules.match(claim, asker.plugin, asker.id, first[1], first[0].plugin, first[0].id):
                sender, receiver = (asker, first[0]) if claim.sends else (first[0], asker)
                calls = rules.calls(receiver.confinement.services, sender.plugin)
                self._links[claim.link] = Link(
                    claim.link, sender, receiver, claim.shape, calls, joined=True, rings=True
                )
            else:
                for one in (asker, first[0]):
                    tell(one, wire.Part(claim.link, BROKEN))

    async def _doubt(self, number: int) -> None:
        await self._world.sleep(_CLAIM_SECONDS)
        if (claimed := self._claims.pop(number, None)) is not None:
            tell(claimed[0], wire.Part(number, LOST))

    # --- what is -------------------------------------------------------------------------------------------------

    def links(self) -> list[Link]:
        """Those that are joined."""
        return [link for link in self._links.values() if link.joined]

    def close(self) -> None:
        """Links go on without us."""
        self._doorbells.close()

    def _note(self, link: Link, *, refused: str) -> None:
        sender, receiver, shape = link.sender.plugin, link.receiver.plugin, link.shape
        said = {"priority": shape.priority, "slots": shape.slots, "arena": shape.arena, "refused": refused}
        self._world.note("link", "broker", f"plugin {sender}", plugin=sender, to=receiver, **said)


def _lay(link: Link, *, sends: bool) -> wire.Lay:
    me, peer, shape = (link.sender, link.receiver, link.shape) if sends else (link.receiver, link.sender, link.shape)
    calls = () if sends else link.calls
    return wire.Lay(link.id, peer.plugin, peer.id, sends, shape.priority, shape.slots, shape.arena, calls)


def _refusal(what: str, reason: str) -> Refusal:
    return Refusal("link-failed", f"{what}: {reason}", "exoctl link list", outcome=Outcome.FAILED)
