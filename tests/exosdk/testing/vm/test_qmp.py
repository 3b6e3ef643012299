"""QEMU's monitor, played by a socket."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from exosdk.testing.vm import Unusable
from exosdk.testing.vm.qmp import Monitor


class Played:
    def __init__(self) -> None:
        ours, self.end = socket.socketpair()
        self.monitor = Monitor(ours)

    def say(self, *said: dict[str, Any]) -> None:
        self.end.sendall(b"".join(json.dumps(one).encode() + b"\r\n" for one in said))


@pytest.fixture
def qemu() -> Iterator[Played]:
    played = Played()
    yield played
    played.monitor.close()
    played.end.close()


def test_commands_are_answered_and_events_between_are_kept(qemu: Played) -> None:
    qemu.say({"QMP": {}}, {"return": {}})
    qemu.monitor.greet()
    qemu.say(
        {"event": "MIGRATION", "data": {"status": "active"}}, {"event": "MIGRATION", "data": {"status": "completed"}}
    )
    qemu.say({"return": {"running": True}})
    assert qemu.monitor.ask("query-status", some_thing=1) == {"running": True}
    assert b"some-thing" in qemu.end.recv(4096)
    assert qemu.monitor.await_event("MIGRATION", status="completed")["data"] == {"status": "completed"}


def test_an_event_to_come_is_waited_for(qemu: Played) -> None:
    qemu.say({"event": "STOP"}, {"event": "RESUME"})
    assert qemu.monitor.await_event("RESUME")["event"] == "RESUME"


def test_a_refusal_carries_qemus_reason(qemu: Played) -> None:
    qemu.say({"error": {"desc": "no such thing"}})
    with pytest.raises(Unusable, match="cannot tell QEMU to migrate: no such thing"):
        qemu.monitor.ask("migrate")


def test_silence_and_the_end_of_qemu_are_told_apart(qemu: Played) -> None:
    with pytest.raises(Unusable, match="no answer in time"):
        qemu.monitor.await_event("STOP", deadline=0.001)
    qemu.end.close()
    with pytest.raises(Unusable, match="QEMU ended"):
        qemu.monitor.await_event("STOP")
