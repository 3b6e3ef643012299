"""exod's part of messaging, in one process and step by step: plugins' Mails joined by real rings.

Nothing happens by itself: questions wait until `settle`, messages until `run` or a plugin's turn. Time stands still.
"""

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from exod.brokers.router.doorbells import Doorbells
from exod.brokers.router.memories import Memories, sizes
from exosdk import ring, topics, wire
from exosdk.mail import Mail
from exosdk.message import DATA_REQUEST, EVENT_NOTIFY, Message
from exosdk.testing import FakeClock

SLOTS, ARENA = 128, 16 << 10
PATIENCE = 5.0


def open_files() -> dict[str, str]:
    """Descriptor → what it is."""
    found = {}
    for one in os.listdir("/proc/self/fd"):
        try:
            found[one] = os.readlink(f"/proc/self/fd/{one}")
        except FileNotFoundError:  # the directory itself
            continue
    return found


class Plugin:
    """One instance, with what became of it: messages, answers, notes, peers that were lost."""

    def __init__(self, office: "Office", name: str, instance: int) -> None:
        self.name, self.instance, self.calls = name, instance, ()
        self.heard: list[Message] = []
        self.notes: list[str] = []
        self.raised: list[str] = []
        self.lost: list[tuple[str, int]] = []
        self.told: list[tuple[str, str]] = []
        self.patterns: list[str] = []
        self.mail = Mail(
            name,
            ask=lambda kind, key, value, then: office.asked.append((self, kind, key, value, then)),
            tell=lambda kind, key, value: office.told(self, kind, key, value),
            clock=office.clock,
            patience=PATIENCE,
            note=self.notes.append,
        )
        self.mail.guard = self._guard
        self.mail.on_message = self.heard.append
        self.mail.on_lost = lambda peer, unread: self.lost.append((peer, unread))
        self.mail.exchange.running = True

    def _guard(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:
            self.raised.append(repr(error))

    def send(
        self, to: str, data: Any, *, type_: int = DATA_REQUEST, priority: str = "normal", seconds: float | None = None
    ) -> int:
        return self.mail.send(to, data, type_=type_, priority=priority, seconds=seconds)

    def request(
        self, to: str, data: Any = b"?", *, priority: str = "normal", seconds: float | None = None
    ) -> list[tuple[Any, str]]:
        """A list in which the answer will be, or the reason for which there is none."""
        found: list[tuple[Any, str]] = []
        self.mail.request(
            to,
            data,
            lambda answer, refused: found.append((answer if answer is None else bytes(answer), refused)),
            type_=DATA_REQUEST,
            priority=priority,
            seconds=seconds,
        )
        return found

    def publish(self, topic: str, data: bytes = b"", *, type_: int = EVENT_NOTIFY) -> int:
        return self.mail.publish(topic, data, type_=type_, priority="normal")

    def subscribe(self, what: str | int) -> list[Message]:
        """A list in which the messages will be."""
        found: list[Message] = []
        self.mail.subscribe(what, found.append)
        return found

    def link(self, to: str, *, priority: str = "normal", full: str = "error", slots: int = 0, arena: int = 0) -> None:
        self.mail.link(to, priority=priority, full=full, slots=slots, arena=arena)

    def answers(self, answer: Callable[[Message], Any]) -> None:
        self.mail.on_message = answer

    @property
    def said(self) -> list[bytes]:
        """What it heard, without envelopes."""
        return [bytes(one.data) for one in self.heard]

    @property
    def sent_on(self) -> list[list[Any]]:
        return list(self.mail.exchange.counts()[0])

    @property
    def received_on(self) -> list[list[Any]]:
        return list(self.mail.exchange.counts()[1])


@dataclass
class Link:
    """front: what its sender writes, back: what its receiver does, as somebody hostile has them."""

    id: int
    sender: Plugin
    receiver: Plugin
    priority: str
    slots: int
    arena: int
    front: mmap.mmap
    back: mmap.mmap

    def lay(self, *, sends: bool) -> wire.Lay:
        peer = self.receiver if sends else self.sender
        calls = () if sends else self.receiver.calls
        shape = (self.priority, self.slots, self.arena)
        return wire.Lay(self.id, peer.name, peer.instance, sends, *shape, calls)


@dataclass
class Office:
    clock: FakeClock = field(default_factory=FakeClock)
    asked: list[tuple[Plugin, str, str, Any, Callable[[Any, str], Any]]] = field(default_factory=list)
    plugins: list[Plugin] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    """Sender and receiver → why they may have no link."""
    types: dict[str, list[str]] = field(default_factory=dict)
    """Plugin type → who is of it."""
    bells_each_time: bool = False
    """Whether a doorbell comes with every link, as two that are made at once may have it."""
    _before: dict[str, str] = field(default_factory=open_files)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _doorbells: Doorbells = field(default_factory=Doorbells)
    _gone: list[Plugin | Link] = field(default_factory=list)
    _publishers: set[str] = field(default_factory=set)

    def plugin(self, name: str) -> Plugin:
        made = Plugin(self, name, next(self._numbers))
        self.plugins.append(made)
        return made

    # --- what goes on ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until nothing moves any more."""
        before: Any = None
        while before != (before := self._state()) or self.asked:
            self.settle()
            for one in tuple(self.plugins):
                one.mail.turn()

    def _state(self) -> Any:
        return [(len(one.notes), len(one.heard), one.mail.exchange.counts()) for one in self.plugins]

    def settle(self) -> None:
        """Every question is answered."""
        while self.asked:
            asker, kind, key, value, then = self.asked.pop(0)
            if kind == "link":
                then(*self._linked(asker, key, value))
            elif kind == "routes":
                self._publishers.add(asker.name)
                then({one.name: one.patterns for one in self.plugins if one is not asker and one.patterns}, "")
            elif kind == "members":
                found = self.types.get(key)
                then(found, "" if found is not None else f"cannot ask for {key}: no such type")
            else:
                then(*self._subscribed(asker, key))

    def told(self, who: Plugin, kind: str, key: str, value: Any) -> None:
        who.told.append((kind, key))
        if kind == "leave":
            for link in [one for one in self.links if who in (one.sender, one.receiver)]:
                self.part(link, "stopped")
        elif kind == "broken":
            for link in [one for one in self.links if str(one.id) == key]:
                self.part(link, "broken")

    def _subscribed(self, asker: Plugin, pattern: str) -> tuple[None, str]:
        if not topics.is_pattern(pattern):
            return None, "cannot subscribe: it is no pattern"
        asker.patterns.append(pattern)
        for one in self.plugins:
            if one.name in self._publishers:
                one.mail.route(asker.name, tuple(asker.patterns))
        return None, ""

    # --- links -------------------------------------------------------------------------------------------------------

    def _linked(self, sender: Plugin, to: str, wanted: Any) -> tuple[int | None, str]:
        receiver = next((one for one in self.plugins if one.name == to), None)
        if (sender.name, to) in self.refused or receiver is None:
            return None, self.refused.get((sender.name, to), f"cannot link {sender.name} with {to}: it does not run")
        shape = (wanted["priority"], wanted["slots"] or SLOTS, wanted["arena"] or ARENA)
        return self.open(sender, receiver, *shape).id, ""

    def open(self, sender: Plugin, receiver: Plugin, priority: str, slots: int, arena: int) -> Link:
        with Memories(slots, arena) as memory:
            front, back = (
                mmap.mmap(fd, size) for fd, size in zip((memory.front, memory.back), sizes(slots, arena), strict=True)
            )
            link = Link(next(self._numbers), sender, receiver, priority, slots, arena, front, back)
            sender.mail.exchange.lay(link.lay(sends=True), (os.dup(memory.front),))
            receiver.mail.exchange.lay(link.lay(sends=False), (os.dup(memory.back),))
            assert memory.seal()
            self._join(link, memory)
        self.links.append(link)
        return link

    def _join(self, link: Link, memory: Memories) -> None:
        ends, back = (link.sender.instance, link.receiver.instance), os.dup(memory.back)
        if any((one.sender.instance, one.receiver.instance) == ends for one in self.links) and not self.bells_each_time:
            link.sender.mail.exchange.join(link.id, (back,))
        else:
            if (house := self._doorbells.house(link.receiver.instance)) is None:
                house = self._doorbells.build(link.receiver.instance)
                link.receiver.mail.exchange.house((os.dup(house.fileno()),))
            with self._doorbells.bell(house) as bell:
                link.sender.mail.exchange.join(link.id, (back, os.dup(bell)))
        link.receiver.mail.exchange.join(link.id, (os.dup(memory.front),))

    def between(self, sender: Plugin, receiver: Plugin, priority: str = "normal") -> Link:
        key = (sender, receiver, priority)
        return next(one for one in self.links if (one.sender, one.receiver, one.priority) == key)

    def part(self, link: Link, reason: str) -> None:
        self.links.remove(link)
        self._gone.append(link)
        for one in (link.sender, link.receiver):
            if one in self.plugins:
                one.mail.exchange.part(link.id, reason)

    def kill(self, plugin: Plugin) -> None:
        """Its process is over: what it left in its rings is there, and nothing else."""
        self.plugins.remove(plugin)
        self._gone.append(plugin)
        self.asked = [one for one in self.asked if one[0] is not plugin]
        for link in [one for one in self.links if plugin in (one.sender, one.receiver)]:
            self.part(link, "instance-lost")

    @contextmanager
    def hostile(self, to: Plugin, name: str = "mallory", *, priority: str = "normal") -> Iterator[ring.Producer]:
        """A ring to `to`, written by a test."""
        number = next(self._numbers)
        lay = wire.Lay(number, name, number, False, priority, SLOTS, ARENA, ())
        with Memories(SLOTS, ARENA) as memory:
            producer = ring.Producer(memory.front, slots=SLOTS, arena=ARENA)
            to.mail.exchange.lay(lay, (os.dup(memory.back),))
            memory.seal()
            producer.attach(memory.back)
            to.mail.exchange.join(number, (os.dup(memory.front),))
        try:
            yield producer
        finally:
            producer.close()

    def opened(self, kind: str) -> int:
        """How many descriptors of a kind are open that were not there before."""
        return sum(kind in what for _, what in open_files().items() - self._before.items())

    def close(self) -> None:
        for one in [*self.plugins, *(one for one in self._gone if isinstance(one, Plugin))]:
            one.mail.stop()
            for house in one.mail.exchange._houses:
                house.close()
        for link in [*self.links, *(one for one in self._gone if isinstance(one, Link))]:
            link.front.close()
            link.back.close()
        self._doorbells.close()


@contextmanager
def office() -> Iterator[Office]:
    """Whatever a test does, no descriptor is left afterwards."""
    with nothing_left_open():
        made = Office()
        yield made
        made.close()


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """What another test had left may be collected meanwhile: only what is there in addition counts."""
    before = open_files()
    yield
    left = open_files().items() - before.items()
    assert not left, f"descriptors are left open: {left}"
