"""What is left of a plugin's messages when its functions raise, when it stops, and when exod is another."""

from typing import Any

from exosdk.message import CUSTOM
from tests.exosdk.post_office import Office, Plugin

# --- what plugins' functions raise -----------------------------------------------------------------------------------


def test_no_exception_of_a_function_stops_the_turn(office: Office, ada: Plugin, bob: Plugin) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("mine")

    bob.mail.subscribe("ada/*", fail)
    after = bob.subscribe("ada/*")
    bob.answers(fail)
    bob.mail.on_lost = fail
    office.run()
    ada.publish("x")
    ada.send("bob", b"x")
    for data in (b"1", b"2"):
        bob.mail.request("ada", data, fail, type_=CUSTOM, priority="normal", seconds=None)
    ada.answers(lambda message: b"yes")
    office.run()
    bob.mail.request("ada", b"", fail, type_=CUSTOM, priority="normal", seconds=0.5)
    office.clock.advance(1.0)
    bob.mail.turn()
    bob.send("ada", b"x")
    office.kill(ada)
    office.run()
    assert len(after) == 1
    assert bob.raised == ["KeyError('mine')"] * 6


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_stop_fails_the_requests_parts_the_links_and_leaves_nothing(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.subscribe("*")
    bob.send("ada", b"x")
    bob.publish("early")
    found = bob.request("ada")
    office.run()
    waiting = bob.request("eve")
    bob.mail.stop()
    assert found == waiting == [(None, "stopped: the plugin was stopped")]
    assert bob.told[-1] == ("leave", "")
    assert (bob.mail.exchange.counts(), bob.mail.exchange.claims(), bob.mail.wait()) == ([[], []], [], None)
    assert office.links == []
    assert (office.opened("eventfd"), office.opened("exod-link")) == (0, 2)  # the two are the office's


def test_a_function_that_sends_when_it_is_told_of_the_stop_sends_nothing(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    told: list[str] = []

    def again(_answer: Any, refused: str) -> None:
        told.append(refused)
        bob.mail.request("ada", b"", again, type_=CUSTOM, priority="normal", seconds=None)

    again(None, "")
    office.run()
    bob.mail.stop()
    assert told == ["", "stopped: the plugin was stopped"]
    assert bob.raised == ["LinkError('cannot send to ada: the plugin is being stopped')"]
    office.run()
    assert bob.sent_on == []


def test_a_plugin_that_starts_again_knows_nothing_of_its_life_before(office: Office, ada: Plugin, bob: Plugin) -> None:
    names: list[Any] = []
    ada.subscribe("bob/*")
    office.run()
    bob.publish("x", b"before")
    bob.mail.broadcast("custom", b"", lambda *told: names.append(told), type_=CUSTOM, priority="normal")
    bob.mail.stop()
    office.types["custom"] = ["ada"]
    office.run()
    assert names == [(None, "stopped: the plugin was stopped")]
    assert bob.sent_on == []
    bob.publish("x", b"after")
    assert [one[1] for one in office.asked] == ["routes"]


def test_a_new_exod_is_told_what_there_is_and_what_is_wanted(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.subscribe("ada/*")
    bob.subscribe("ada/*")
    bob.subscribe(5)
    bob.send("ada", b"x")
    bob.publish("x")
    office.run()
    bob.send("eve", b"never")
    bob.told.clear()
    bob.mail.restarted()
    assert bob.told == [("held", ""), ("subscribe", "ada/*"), ("subscribe", "#5")]
    assert bob.notes == ["1 messages were not sent to eve: exod was restarted before the link was made"]
    assert [one[1] for one in office.asked] == ["link", "routes"]
    bob.send("ada", b"still")
    office.run()
    assert ada.said == [b"x", b"still"]
