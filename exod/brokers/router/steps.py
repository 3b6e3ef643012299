"""Wishes of instances → links that are made, joined and parted, and who subscribes to what; each link is in the audit.

Nothing is kept on disk: an exod that begins anew believes of a link what both its ends say of it.
"""

import asyncio
import secrets
import select
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exod.brokers.questions import Uses, give
from exod.brokers.router import rules
from exod.brokers.router.doorbells import Doorbells
from exod.brokers.router.memories import Memories
from exod.brokers.router.rules import Claim
from exod.brokers.router.table import Link, Links
from exod.brokers.router.tidings import Tiding, Tidings
from exod.brokers.router.world import Asker, World
from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.ports import Want
from exosdk import wire

KINDS = frozenset(["link", "laid", "broken", "held", "leave", "subscribe", "routes", "members"])
"""Of questions that instances ask."""
LOST, STOPPED, BROKEN, NOT_TAKEN, CHANGED = "instance-lost", "stopped", "broken", "not-taken", "access-changed"
_SECONDS = 20.0
"""For both ends to be made."""
_AT_ONCE = 8
"""Links of one instance that are being made: what it is sent has to fit its channel."""
_ASKED = 64
"""Links that one instance may ask for before it is answered: the SDK asks no more questions than that at once."""
_ANSWER_MAX = 32 << 10
"""Bytes of patterns in one answer; the others follow one by one."""
_PAUSE = 0.02
_USES = 512
"""Questions a second of one plugin: one that begins in a mesh of fifty asks for a hundred."""
_CLAIM_SECONDS = 10.0


@dataclass(slots=True)
class Opening:
    """What an instance asked for: those that are made, and how many wait for it or are."""

    made: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    asked: int = 0


class Router:
    def __init__(self, world: World) -> None:
        self._world = world
        self._uses = Uses(world.now, most=_USES)
        self._tidings = Tidings(world)
        self._links = Links()
        self._able: dict[int, Asker] = {}
        self._claims: dict[int, tuple[Asker, Claim]] = {}
        self._patterns: dict[int, list[str]] = {}
        self._publishers: set[int] = set()
        self._doorbells = Doorbells()
        self._laid: dict[tuple[int, int], asyncio.Future[None]] = {}
        self._openings: dict[int, Opening] = {}

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
                self._asked(asker, want)
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

    def _asked(self, asker: Asker, want: Want) -> None:
        opening = self._openings.get(asker.id) or Opening()
        if opening.asked >= _ASKED:
            give(asker, want, None, f"cannot ask for links: {_ASKED} are being made for the plugin already")
            return
        opening.asked += 1
        self._world.spawn(self._open(asker, want, opening), name=f"link for {asker.plugin}")

    async def _open(self, asker: Asker, want: Want, opening: Opening) -> None:
        said, link = "", None
        try:
            async with opening.made:
                link = self._agreed(asker, want)
                async with asyncio.timeout(_SECONDS):
                    await self._make(link)
        except Refused as refused:
            said = refused.refusal.sentence
        except TimeoutError:
            said = f"cannot link with {want.key}: it was not made within {_SECONDS:g} s"
        except OSError as error:
            said = f"cannot link with {want.key}: {error.strerror}"
        except wire.MalformedError as error:
            said = f"cannot link with {want.key}: {error}"
        opening.asked -= 1
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
        of_sender = self._links.of(asker.id)
        if len(of_sender) >= rules.LINKS_MAX or len(self._links.of(receiver.id)) >= rules.LINKS_MAX:
            raise Refused(_refusal(what, f"one of them has {rules.LINKS_MAX} links already"))
        sent = [one for one in of_sender if one.sender.id == asker.id]
        found = rules.shape(want.value, to=want.key, sending=len(sent))
        if any((one.receiver.id, one.shape.priority) == (receiver.id, found.priority) for one in sent):
            raise Refused(_refusal(what, f"it has a link of priority {found.priority} already"))
        link = Link(
            secrets.randbits(62) + 1, asker, receiver, found, rules.calls(receiver.confinement.services, asker.plugin)
        )
        self._links.add(link)
        return link

    async def _make(self, link: Link) -> None:
        """First each end on its own memory; once these are sealed, each end on the other's. Raises Refused, OSError."""
        made = [self._laid.setdefault((link.id, one.id), asyncio.Future()) for one in link.ends]
        try:
            with Memories(link.shape.slots, link.shape.arena) as memory:
                await self._lay(link, link.sender, memory.front)
                await self._lay(link, link.receiver, memory.back)
                await asyncio.gather(*made)
                if not memory.seal():
                    raise Refused(_refusal(f"cannot link with {link.receiver.plugin}", "an end changed its memory"))
                await self._join(link, memory)
        finally:
            for one, future in zip(link.ends, made, strict=True):
                self._laid.pop((link.id, one.id), None)
                if not future.cancel() and not future.cancelled():
                    future.exception()  # looked at: it may have failed before anybody waited for it

    async def _lay(self, link: Link, end: Asker, memory: int) -> None:
        link.laid.add(end.id)
        try:
            await self._hand(end, _lay(link, sends=end is link.sender), memory)
        except BaseException:
            link.laid.discard(end.id)
            raise

    async def _join(self, link: Link, memory: Memories) -> None:
        self._check_wanted(link)
        between = self._links.of(link.sender.id)
        if any(one.rings and one.sender is link.sender and one.receiver is link.receiver for one in between):
            await self._hand(link.sender, wire.Join(link.id), memory.back)
        else:
            house = self._doorbells.house(link.receiver.id) or await self._build(link.receiver)
            with self._doorbells.bell(house) as bell:
                await self._hand(link.sender, wire.Join(link.id), memory.back, bell)
            link.rings = True
        await self._hand(link.receiver, wire.Join(link.id), memory.front)
        self._check_wanted(link)
        link.joined = True

    def _check_wanted(self, link: Link) -> None:
        """Raises Refused when it was parted while it was made."""
        if link.id not in self._links:
            raise Refused(_refusal(f"cannot link with {link.receiver.plugin}", "an end left it meanwhile"))

    async def _build(self, receiver: Asker) -> select.epoll:
        """One that the receiver did not get is none: nobody would hear the bells in it."""
        house = self._doorbells.build(receiver.id)
        try:
            await self._hand(receiver, wire.House(), house.fileno())
        except BaseException:
            self._doorbells.drop(receiver.id)
            raise
        return house

    async def _hand(self, asker: Asker, frame: wire.Down, *descriptors: int) -> None:
        """Once its channel has room: no descriptor waits in a queue. Raises Refused when it is gone, or is being
        ended: then its channel takes nothing any more.
        """
        while not (self._tidings.told(asker) and asker.line().tell(frame, *descriptors)):
            if asker.id not in self._able:
                raise Refused(_refusal("cannot make a link", f"{asker.plugin} is gone"))
            await self._world.sleep(_PAUSE)

    def _part(self, link: Link, reason: str, *, without: int = 0) -> None:
        """`without`: an end that is not there to be told."""
        if self._links.drop(link):
            for end in link.ends:
                if end.id != without and end.id in link.laid:
                    self._say(end, wire.Part(link.id, reason))

    def _say(self, asker: Asker, tiding: Tiding) -> None:
        if asker.id in self._able:
            self._tidings.tell(asker, tiding)

    def gone(self, asker: Asker) -> None:
        """Its process is over, or about to be."""
        if self._able.pop(asker.id, None) is None:
            return
        self._leave(asker, LOST)
        self._doorbells.drop(asker.id)
        self._openings.pop(asker.id, None)
        self._claims = {number: one for number, one in self._claims.items() if one[0] is not asker}
        self._tidings.drop(asker.id)
        for (_, instance), future in tuple(self._laid.items()):
            if instance == asker.id and not future.done():
                future.set_exception(Refused(_refusal("cannot make a link", f"{asker.plugin} is gone")))

    def changed(self, asker: Asker) -> None:
        """Whose calls it takes may be others now: those links are parted, and the next message makes new ones."""
        for link in self._links.of(asker.id):
            if link.receiver.id == asker.id and link.calls != rules.calls(
                asker.confinement.services, link.sender.plugin
            ):
                self._part(link, CHANGED)

    def _leave(self, asker: Asker, reason: str) -> None:
        for link in self._links.of(asker.id):
            self._part(link, reason, without=asker.id if reason == LOST else 0)
        self._publishers.discard(asker.id)
        if self._patterns.pop(asker.id, None):
            self._spread(asker)

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
                self._say(publisher, wire.Route(subscriber.plugin, wanted))

    def _routes(self, publisher: Asker) -> Mapping[str, Sequence[str]]:
        """As many as an answer holds; the rest is said after it."""
        found: dict[str, Sequence[str]] = {}
        size = 0
        for one in self._reachable(publisher):
            if wanted := rules.about(self._patterns.get(one.id, ()), publisher.plugin):
                size += len(one.plugin) + sum(map(len, wanted)) + 4 * (len(wanted) + 1)
                if size <= _ANSWER_MAX:
                    found[one.plugin] = wanted
                else:
                    self._say(publisher, wire.Route(one.plugin, wanted))
        return found

    def _reachable(self, asker: Asker) -> list[Asker]:
        others = (one for one in self._able.values() if one.id != asker.id)
        return [one for one in others if rules.refused(asker.confinement, one.confinement) is None]

    # --- what another exod made ----------------------------------------------------------------------------------

    def _held(self, asker: Asker, claims: Sequence[Claim]) -> None:
        """It takes links from now on; of one that it has, the other end has to say the same. Each says so once: when it
        was let go, or has heard of us.
        """
        if asker.id in self._able or not asker.confinement.permissions.get("ipc"):
            return
        self._able[asker.id] = asker
        self._openings[asker.id] = Opening()
        for claim in claims:
            self._claimed(asker, claim)
        if claims:
            self._world.spawn(self._doubt(asker), name=f"claims of {asker.plugin}")

    def _claimed(self, asker: Asker, claim: Claim) -> None:
        first = self._claims.pop(claim.link, None)
        if first is None and claim.link not in self._links:
            self._claims[claim.link] = (asker, claim)
        elif first is not None and self._agree(claim, asker, *first):
            sender, receiver = (asker, first[0]) if claim.sends else (first[0], asker)
            calls = rules.calls(receiver.confinement.services, sender.plugin)
            link = Link(claim.link, sender, receiver, claim.shape, calls, joined=True, rings=True)
            link.laid = {asker.id, first[0].id}
            self._links.add(link)
            if receiver.confinement.services:  # whose calls it takes may be others than they were
                self._say(receiver, _lay(link, sends=False))
        else:
            for one in (asker, first[0]) if first is not None else (asker,):
                self._say(one, wire.Part(claim.link, BROKEN))

    def _agree(self, claim: Claim, asker: Asker, peer: Asker, other: Claim) -> bool:
        same = rules.match(claim, asker.plugin, asker.id, other, peer.plugin, peer.id)
        return same and rules.refused(asker.confinement, peer.confinement) is None

    async def _doubt(self, asker: Asker) -> None:
        await self._world.sleep(_CLAIM_SECONDS)
        for number, (owner, _) in tuple(self._claims.items()):
            if owner is asker:
                del self._claims[number]
                self._say(asker, wire.Part(number, LOST))

    # --- what is -------------------------------------------------------------------------------------------------

    def links(self) -> list[Link]:
        """Those that are joined."""
        return [link for link in self._links if link.joined]

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
