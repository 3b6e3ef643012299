"""The plugin of the rehearsal."""

from exosdk import hooks, wire
from exosdk.context import Context
from exosdk.player import Player
from exosdk.rehearsal import _SERVICE
from exosdk.testing import FakeClock

GO = wire.Go(1, "rehearsal", "0", "custom", "exosdk.player:Player", {}, {}, (_SERVICE,), 1.0)


def test_it_does_a_little_of_everything() -> None:
    sent: list[wire.Up] = []
    player = Player(Context(GO, state_dir="", send=sent.append, clock=FakeClock()))
    player.start()
    player.tick()
    player.configure(values={"a": 1, "b": 2})
    assert player.say("x", 2) == "xx"
    assert (player.count, player.volume, player.health()) == (1, 2.0, "")
    player.stop()
    assert player.count == 0
    assert isinstance(sent[0], wire.Emit)
    assert {"start", "stop"} <= hooks.LIFECYCLE
