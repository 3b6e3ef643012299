"""A message of US-004 ↔ the bytes of it that travel in a ring: an envelope, the topic, then the payload.

The type is the ring's own. Who sent it is known from the ring it came out of, never from what it says; when, and until
when it is worth something, is its sender's word. Refuses what is no envelope with `MalformedError`.
"""

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from exosdk.signature import MalformedError

RESERVED = ("init", "shutdown", "config-update")
"""Types 0, 1 and 2: only the supervisor sends them, over the channel, as the hooks start, stop and configure."""
DATA_REQUEST, DATA_RESPONSE, EVENT_NOTIFY, AI_INFERENCE, CUSTOM = range(len(RESERVED), 8)
TYPES = (*RESERVED, "data-request", "data-response", "event-notify", "ai-inference", "custom")
PRIORITIES = ("urgent", "normal", "bulk")
"""Each has links of its own, so that none waits behind a later one's."""
TOPIC_MAX = 255
_HEAD = struct.Struct("<IIQIBB")
HEAD = _HEAD.size
LENT_HEAD = 64
"""In an arena the payload begins at a multiple of it."""


class Kind(IntEnum):
    """What is expected of whoever receives it."""

    MESSAGE, REQUEST, CALL, REPLY, FAULT, TOPIC = range(6)


class Envelope:
    """number: the sender's own count. answers: the number of the request that this is the answer to, else 0.

    sent: nanoseconds of CLOCK_MONOTONIC, the same for all on a host. patience: milliseconds from then on, after which
    nobody wants it any more; 0 for ever.
    """

    __slots__ = ("answers", "kind", "number", "patience", "sent", "topic")

    def __init__(
        self, number: int, kind: int, sent: int, *, answers: int = 0, patience: int = 0, topic: str = ""
    ) -> None:
        self.number, self.kind, self.sent = number, kind, sent
        self.answers, self.patience, self.topic = answers, patience, topic

    def pack(self) -> bytes:
        topic = self.topic.encode()
        return _HEAD.pack(self.number, self.answers, self.sent, self.patience, self.kind, len(topic)) + topic

    @property
    def late_at(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC; 0 for never."""
        return self.sent + self.patience * 1_000_000 if self.patience else 0


def unpack(data: Any) -> tuple[Envelope, int]:
    """Of bytes, or of a memoryview, the envelope; and where the payload of an inline message begins."""
    if len(data) < HEAD:
        raise MalformedError("the message is shorter than its envelope")
    number, answers, sent, patience, kind, length = _HEAD.unpack_from(data)
    end = HEAD + length
    if len(data) < end or kind > Kind.TOPIC:
        raise MalformedError("the message has an envelope that nobody sends")
    topic = ""
    if length:
        try:
            topic = bytes(data[HEAD:end]).decode("ascii")
        except UnicodeDecodeError:
            raise MalformedError("the message has a topic that is none") from None
    return Envelope(number, kind, sent, answers=answers, patience=patience, topic=topic), end


def lent_from(end: int) -> int:
    """Where the payload of a lent message begins whose envelope ends there."""
    return -(-end // LENT_HEAD) * LENT_HEAD


class Message:
    """What a plugin is given. `timestamp` and `deadline` are wall seconds, the deadline None where there is none.

    data: bytes, or a memoryview of what was lent: it goes back when nobody holds it any more, and whoever sent it may
    write to it until then. topic: `PLUGIN/WORD/…` of what was published, else "".
    """

    __slots__ = ("_answer", "data", "deadline", "id", "priority", "receiver", "sender", "timestamp", "topic", "type")

    def __init__(
        self,
        envelope: Envelope,
        data: Any,
        *,
        sender: str,
        receiver: str,
        type: int,
        priority: str,
        wall: float,
        answer: Callable[[Any], None] | None = None,
    ) -> None:
        """`wall`: what is added to monotonic seconds to have those of the wall."""
        self.id, self.data = envelope.number, data
        self.sender, self.receiver, self.type, self.priority = sender, receiver, type, priority
        self.timestamp = envelope.sent / 1e9 + wall
        self.deadline = envelope.late_at / 1e9 + wall if envelope.patience else None
        self.topic = f"{sender}/{envelope.topic}" if envelope.topic else ""
        self._answer = answer

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def wants_answer(self) -> bool:
        return self._answer is not None

    def reply(self, data: Any) -> None:
        """Once; ValueError for what nobody asked, or for the second answer."""
        if self._answer is None:
            raise ValueError("cannot reply: the message is no request, or was answered already")
        self._answer(data)
        self._answer = None
