"""What goes into the go, and the refusals that name what an instance did."""

import pytest

from exod.errors import Outcome
from exod.supervisor import channel_go
from exosdk import wire
from tests.exosdk.instances import confinement


def test_go_holds_what_the_confinement_says() -> None:
    frame = channel_go.go_frame(confinement(config={"word": "x"}), protocol=1)
    assert (frame.plugin, frame.version, frame.type, frame.entry) == (
        "greeter",
        "1.0.0",
        "custom",
        "greeter_plugin:Greeter",
    )
    assert (frame.config, frame.call_time) == ({"word": "x"}, 5.0)
    (service,) = frame.services
    assert service.methods[0] == wire.Method("Greet", "s", "s")
    assert service.properties[1] == wire.Property("Tone", "s", "readwrite")


@pytest.mark.parametrize(
    ("oldest", "newest", "spoken"),
    [
        (wire.PROTOCOL, wire.PROTOCOL, wire.PROTOCOL),
        (wire.PROTOCOL, wire.PROTOCOL + 1, wire.PROTOCOL),
        (0, wire.OLDEST_PROTOCOL, wire.OLDEST_PROTOCOL),
        (wire.PROTOCOL + 1, wire.PROTOCOL + 2, None),
        (-3, wire.OLDEST_PROTOCOL - 1, None),
    ],
)
def test_the_newest_protocol_that_both_speak_is_taken(oldest: int, newest: int, spoken: int | None) -> None:
    assert channel_go.common_protocol(wire.Hello(1, b"", oldest, newest, {})) == spoken


def test_each_refusal_has_its_code_and_outcome() -> None:
    found = [
        channel_go.lost("call x", reason="r"),
        channel_go.timed_out("call x", deadline=2.5),
        channel_go.faulted("call x", wire.Fault(1, "KeyError", "'y'")),
        channel_go.failed(wire.Failed("entry-raised", "why"), plugin="p"),
    ]
    assert [(one.code, one.outcome, one.sentence) for one in found] == [
        ("instance-lost", Outcome.FAILED, "cannot call x: the instance is gone"),
        ("call-timeout", Outcome.TIMED_OUT, "cannot call x: no answer within 2.5 s"),
        ("plugin-fault", Outcome.FAILED, "cannot call x: the plugin raised KeyError: 'y'"),
        ("plugin-unusable", Outcome.FAILED, "cannot load p: why"),
    ]
    assert found[3].evidence == {"reason": "entry-raised"}


@pytest.mark.parametrize("code", ["", "no code\n", "é", "a" * 200])
def test_a_code_is_believed_only_if_it_looks_like_one(code: str) -> None:
    assert len(channel_go.failed(wire.Failed(code, ""), plugin="p").evidence["reason"]) <= 40
    assert "\n" not in channel_go.failed(wire.Failed(code, ""), plugin="p").evidence["reason"]


def test_a_plugins_words_are_one_short_line_without_control_characters() -> None:
    refusal = channel_go.faulted("call x", wire.Fault(1, "E\x1b[2J", "a\nb\u202ec\0" + "x" * 1000))
    assert "\x1b" not in refusal.sentence
    assert all(letter.isprintable() for letter in refusal.sentence)
    assert len(refusal.evidence["message"]) <= 300
