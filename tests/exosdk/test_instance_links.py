"""An instance that is given links over its channel: the runner in a thread; exod and the peer are the test's."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exod.brokers.router.doorbells import Doorbells
from exod.brokers.router.memories import Memories
from exosdk import ring, wire
from exosdk.message import Envelope, Kind
from tests.exosdk import instances
from tests.exosdk.instances import Instance, fresh_imports
from tests.exosdk.post_office import nothing_left_open, open_files

HERE = Path(instances.__file__).parent
SLOTS, ARENA = 64, 4096
METHODS = (wire.Method("Read", "", "as"), wire.Method("Write", "ss", ""), wire.Method("Wait", "d", "s"))
PEN = wire.Service("pen", "a.b", METHODS, (), ())
GO = wire.Go(3, "pen", "1", "custom", "pen_plugin:Pen", {}, {"ipc": ("ada",)}, (PEN,), 60.0)


class Exod:
    """Says what exod would, and hears what it would hear; `ada` is the ring's other end."""

    def __init__(self, instance: Instance) -> None:
        self.end = instance.end
        self.end.settimeout(60)
        self.doorbells = Doorbells()
        self.house = self.doorbells.build(1)
        self.bells: list[int] = []
        self.ada: ring.Producer | None = None
        self.heard: list[wire.Up] = []

    def say(self, frame: wire.Down, *descriptors: int) -> None:
        socket.send_fds(self.end, [wire.encode(frame)], descriptors)

    def hear(self, kind: type[wire.Frame]) -> Any:
        """The next frame of that kind; what comes before it is kept."""
        while not isinstance(found := wire.decode_up(self.end.recv(wire.MAX_FRAME)), kind):
            self.heard.append(found)
        return found

    def want(self, kind: str) -> wire.Want:
        while (found := self.hear(wire.Want)).kind != kind:
            pass
        assert isinstance(found, wire.Want)
        return found

    def call(self, kind: str, member: str = "", *arguments: Any) -> Any:
        given = {} if kind == "hook" else arguments
        self.say(wire.Call(1, kind, "pen", member, wire.pack(given), "exod", 0, 60.0))
        return self.value(self.hear(wire.Reply))

    @staticmethod
    def value(reply: wire.Reply) -> Any:
        return wire.unpack(reply.value)

    def begin(self) -> None:
        self.hear(wire.Hello)
        self.say(GO)
        self.hear(wire.Ready)
        assert wire.unpack(self.want("held").value) == []
        self.call("hook", "start")

    def join(self, link: int = 5) -> ring.Producer:
        """A link from ada to the instance."""
        with Memories(SLOTS, ARENA) as memory, self.doorbells.bell(self.house) as bell:
            self.say(wire.House(), self.house.fileno())
            self.say(wire.Lay(link, "ada", 9, False, "normal", SLOTS, ARENA, ()), memory.back)
            assert self.want("laid").key == str(link)
            self.ada = ring.Producer(memory.front, slots=SLOTS, arena=ARENA)
            memory.seal()
            self.ada.attach(memory.back)
            self.bells.append(os.dup(bell))
            self.ada.ring_on(self.bells[-1])
            self.say(wire.Join(link), memory.front)
        self.ping()
        return self.ada

    def ping(self) -> None:
        self.say(wire.Ping(1))
        self.hear(wire.Pong)

    def close(self) -> None:
        if self.ada is not None:
            self.ada.close()
        for bell in self.bells:
            os.close(bell)
        self.doorbells.close()
        self.end.close()


@pytest.fixture
def exod(tmp_path: Path) -> Iterator[Exod]:
    with fresh_imports("pen_plugin"):
        instance = Instance(code=HERE, state=tmp_path)
        made = Exod(instance)
        yield made
        made.close()
        instance.join()


def letter(text: str, kind: Kind = Kind.MESSAGE, *, topic: str = "") -> bytes:
    return Envelope(1, kind, 0, topic=topic).pack() + text.encode()


def heard(exod: Exod, count: int) -> list[str]:
    """What the plugin has written down, once it is as much."""
    found: Any = []
    while len(found) < count:
        (found,) = exod.call("method", "Read")
    assert isinstance(found, list)
    return found


def test_messages_and_topics_reach_the_plugin_and_what_it_answers_wants_a_link(exod: Exod) -> None:
    exod.begin()
    ada = exod.join()
    ada.push(3, letter("hello"))
    ada.push(5, letter("1", Kind.TOPIC, topic="load"))
    assert heard(exod, 2) == ["3 ada hello", "ada/load 1"]
    ada.push(3, letter("question", Kind.REQUEST))
    want = exod.want("link")
    assert (want.key, wire.unpack(want.value)) == ("ada", {"priority": "normal", "slots": 0, "arena": 0})


def test_a_doorbell_wakes_an_instance_that_waits(exod: Exod, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is said to it, and it does not look by itself: it hears the message, or this waits for ever."""
    monkeypatch.setattr("exosdk.exchange._LOOK", 1e5)
    exod.begin()
    exod.join().push(3, letter("hello", Kind.REQUEST))
    exod.want("link")


def test_counts_of_its_links_are_told(exod: Exod) -> None:
    exod.begin()
    assert exod.call("links") == [[], []]
    ada = exod.join()
    ada.push(3, letter("hello"))
    ada.push(0, letter("as if it were exod"))
    heard(exod, 1)
    outs, ((link, messages, dropped, took),) = exod.call("links")
    assert (outs, link, messages, dropped, sum(took)) == ([], 5, 1, 1, 1)


def test_while_the_plugin_waits_for_a_message_links_are_made_and_pings_answered(exod: Exod) -> None:
    exod.begin()
    exod.say(wire.Call(7, "method", "pen", "Wait", wire.pack([50.0]), "exod", 0, 60.0))
    exod.say(wire.Call(8, "method", "pen", "Read", wire.pack([]), "exod", 0, 60.0))
    exod.join().push(3, letter("at last"))
    first, second = exod.hear(wire.Reply), exod.hear(wire.Reply)
    assert [(one.id, exod.value(one)) for one in (first, second)] == [(7, ["at last"]), (8, [[]])]


def test_a_lost_peer_is_told_to_the_plugin_after_its_last_words(exod: Exod) -> None:
    exod.begin()
    exod.join().push(3, letter("last words"))
    exod.say(wire.Part(5, "instance-lost"))
    assert heard(exod, 1) == ["3 ada last words"]
    assert exod.call("links") == [[], []]


def test_a_refused_link_is_the_error_of_the_next_message(exod: Exod) -> None:
    exod.begin()
    exod.call("method", "Write", "ada", "hello")
    asked = next(one for one in exod.heard if isinstance(one, wire.Want) and one.kind == "link")
    exod.say(wire.Given(asked.id, wire.NOTHING, "cannot link: no"))
    exod.ping()
    exod.say(wire.Call(9, "method", "pen", "Write", wire.pack(["ada", "x"]), "exod", 0, 60.0))
    fault = exod.hear(wire.Fault)
    assert (fault.kind, fault.message) == ("LinkError", "cannot link: no")


def test_a_new_exod_is_told_of_the_links_that_there_are(exod: Exod) -> None:
    exod.begin()
    exod.join()
    exod.say(wire.Epoch(3))
    exod.hear(wire.Passed)
    assert wire.unpack(exod.want("held").value) == [[5, "ada", 9, False, "normal", SLOTS, ARENA]]
    assert exod.want("subscribe").key == "ada/*"


def test_descriptors_that_no_frame_takes_are_closed(tmp_path: Path) -> None:
    with fresh_imports("pen_plugin"), nothing_left_open():
        instance = Instance(code=HERE, state=tmp_path)
        exod = Exod(instance)
        exod.begin()
        one = os.eventfd(0)
        before = open_files()
        for frame in (wire.Ping(1), wire.Part(1, "stopped"), wire.Route("ada", ()), wire.Join(77), wire.Ping(1)):
            exod.say(frame, one)
        for _ in range(3):
            exod.ping()
        assert not open_files().items() - before.items()
        os.close(one)
        exod.close()
        instance.join()
