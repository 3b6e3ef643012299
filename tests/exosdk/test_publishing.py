"""Who gets what is published, before and after exod has said who wants it."""

from typing import Any

import pytest

from exosdk.message import AI_INFERENCE, CUSTOM, EVENT_NOTIFY, Envelope, Kind
from exosdk.publishing import KEPT, Publisher
from exosdk.signature import MalformedError
from tests.exosdk.post_office import Office, Plugin


def said(messages: list[Any]) -> list[tuple[str, bytes]]:
    return [(one.topic, bytes(one.data)) for one in messages]


def test_what_is_published_before_the_routes_are_known_is_kept(office: Office, ada: Plugin, bob: Plugin) -> None:
    heard = bob.subscribe("ada/*")
    office.run()
    sent = [ada.publish("load", b"1"), ada.publish("load", b"2"), ada.publish("heat", b"3")]
    assert (sent, [one[1] for one in office.asked]) == ([0, 0, 0], ["routes"])
    office.run()
    assert ada.publish("load", b"4") == 1
    office.run()
    assert said(heard) == [("ada/load", b"1"), ("ada/load", b"2"), ("ada/heat", b"3"), ("ada/load", b"4")]


def test_of_what_is_kept_there_is_a_most_and_the_oldest_is_dropped(office: Office, ada: Plugin, bob: Plugin) -> None:
    heard = bob.subscribe("ada/*")
    office.run()
    for number in range(KEPT + 2):
        ada.publish("load", b"%d" % number)
    office.run()
    assert [one.data for one in heard] == [b"%d" % number for number in range(2, KEPT + 2)]


def test_a_subscriber_gets_what_its_patterns_and_types_select(office: Office, ada: Plugin, bob: Plugin) -> None:
    by_topic, by_type, by_word = bob.subscribe("ada/cpu/*"), bob.subscribe(CUSTOM), bob.subscribe("*/heat")
    office.run()
    ada.publish("cpu/0", b"1")
    ada.publish("cpu/1", b"2", type_=CUSTOM)
    ada.publish("heat", b"3")
    ada.publish("disk", b"4", type_=AI_INFERENCE)
    office.run()
    assert said(by_topic) == [("ada/cpu/0", b"1"), ("ada/cpu/1", b"2")]
    assert said(by_type) == [("ada/cpu/1", b"2")]
    assert said(by_word) == [("ada/heat", b"3")]
    assert bob.said == []
    assert ada.sent_on[0][1] == 3


def test_two_patterns_that_select_the_same_bring_it_once(office: Office, ada: Plugin, bob: Plugin) -> None:
    heard: list[Any] = []
    take = heard.append
    for pattern in ("ada/load", "*/load", EVENT_NOTIFY):
        bob.mail.subscribe(pattern, take)
    other = bob.subscribe("ada/*")
    office.run()
    ada.publish("load", b"1")
    office.run()
    assert (len(heard), len(other), ada.sent_on[0][1]) == (1, 1, 1)


def test_each_of_many_subscribers_gets_it_and_nobody_else(office: Office, ada: Plugin, bob: Plugin) -> None:
    others = [office.plugin(f"p{number}") for number in range(10)]
    heard = [one.subscribe("ada/load") for one in others]
    bob.subscribe("ada/heat")
    office.run()
    ada.publish("load", b"1")
    office.run()
    assert ada.publish("load", b"2") == 10
    office.run()
    assert all(said(one) == [("ada/load", b"1"), ("ada/load", b"2")] for one in heard)
    assert bob.received_on == []


def test_who_subscribes_later_or_no_more_is_heard_of(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.publish("load", b"nobody")
    office.run()
    heard = bob.subscribe("ada/load")
    office.run()
    assert ada.publish("load", b"1") == 1
    ada.mail.route("bob", ())
    assert ada.publish("load", b"2") == 0
    office.run()
    assert said(heard) == [("ada/load", b"1")]


def test_a_subscriber_that_may_not_be_sent_to_is_left_out(office: Office, ada: Plugin, bob: Plugin) -> None:
    office.refused["ada", "bob"] = "cannot link ada with bob: no"
    bob.subscribe("ada/*")
    office.run()
    ada.publish("load")
    office.run()
    assert ada.publish("load") == 0
    assert "cannot link ada with bob: no" in ada.notes


@pytest.mark.parametrize("topic", ["", "a//b", "A", "*", "a" * 256])
def test_what_is_no_topic_is_not_published(ada: Plugin, topic: str) -> None:
    with pytest.raises(MalformedError, match="is no topic"):
        ada.publish(topic)


@pytest.mark.parametrize("pattern", ["", "**", "#2", 2, 8, True])
def test_what_is_no_pattern_is_not_subscribed_to(office: Office, bob: Plugin, pattern: Any) -> None:
    with pytest.raises(MalformedError, match="is no pattern"):
        bob.subscribe(pattern)
    assert office.asked == []


@pytest.mark.parametrize(
    ("kind", "topic"),
    [(Kind.TOPIC, ""), (Kind.TOPIC, "a//b"), (Kind.TOPIC, "../x"), (Kind.MESSAGE, "load"), (Kind.REQUEST, "load")],
)
def test_a_topic_that_nobody_can_publish_is_dropped(office: Office, bob: Plugin, kind: Kind, topic: str) -> None:
    heard = bob.subscribe("*")
    with office.hostile(bob) as producer:
        producer.push(CUSTOM, Envelope(1, kind, 0, topic=topic).pack())
        office.run()
        assert (heard, bob.heard, bob.received_on[0][2]) == ([], [], 1)


class Asked:
    """Who answers when a test wants it to."""

    def __init__(self) -> None:
        self.thens: list[Any] = []
        self.sent: list[tuple[str, bytes]] = []
        self.notes: list[str] = []
        self.publisher = Publisher(
            "ada",
            ask=lambda _kind, then: self.thens.append(then),
            send=lambda to, _topic, data, *_: self.sent.append((to, data)),
            note=self.notes.append,
        )

    def publish(self, data: bytes) -> None:
        self.publisher.publish("load", data, type_=EVENT_NOTIFY, priority="normal")


def test_refused_routes_are_asked_for_again_and_what_waits_goes_on_waiting() -> None:
    office = Asked()
    office.publish(b"1")
    office.thens.pop()(None, "cannot: exod was restarted")
    office.publisher.again()
    office.publisher.again()
    office.thens.pop()({"bob": ["ada/*"]}, "")
    assert (office.sent, office.notes, office.thens) == ([("bob", b"1")], ["cannot: exod was restarted"], [])


def test_a_new_exod_is_asked_only_by_who_publishes() -> None:
    office = Asked()
    office.publisher.again()
    office.publisher.route("bob", ("ada/*",))
    assert office.thens == []


def test_routes_that_come_after_the_stop_are_not_those_of_the_next_life() -> None:
    office = Asked()
    office.publish(b"1")
    office.publisher.clear()
    office.publish(b"2")
    office.thens[0]({"bob": ["ada/*"]}, "")
    assert office.sent == []
    office.thens[1]({"eve": ["ada/*"]}, "")
    assert office.sent == [("eve", b"2")]


def test_a_question_too_many_is_asked_later() -> None:
    office = Asked()

    def refuse(*_: Any) -> None:
        raise MalformedError("64 questions are open already")

    asked, office.publisher._ask = office.publisher._ask, refuse
    office.publish(b"1")
    office.publisher._ask = asked
    office.publish(b"2")
    office.thens.pop()({"bob": ["ada/*"]}, "")
    assert [data for _, data in office.sent] == [b"1", b"2"]


def test_what_was_found_for_topics_is_not_remembered_without_end() -> None:
    office = Asked()
    office.publish(b"1")
    office.thens.pop()({"bob": ["ada/*"]}, "")
    for number in range(300):
        assert office.publisher.publish(f"t{number}", b"", type_=EVENT_NOTIFY, priority="normal") == 1
    assert len(office.publisher._selected) <= 256
