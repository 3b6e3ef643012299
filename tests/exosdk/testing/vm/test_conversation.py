"""Frames that come in pieces; test_agent.py has the conversation with its real other end."""

import json
import socket

from exosdk.testing.vm import agent
from exosdk.testing.vm.conversation import Conversation


def test_frames_are_put_together_and_strangers_answers_are_dropped() -> None:
    ours, theirs = socket.socketpair()
    conversation = Conversation(ours, hear=lambda words: None)
    running = conversation.start(["anything"])
    said = (
        agent.frame(b"o", 99, b"of a command before")
        + agent.frame(b"o", running.number, b"half")
        + agent.frame(b"x", running.number, json.dumps({"code": 0}).encode())
    )
    conversation._held += said[:30]
    theirs.sendall(said[30:])
    assert running.wait().raw == b"half"
    conversation.close()
    theirs.close()
