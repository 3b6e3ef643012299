"""The channel's frames: typed structs ↔ MessagePack, at most 64 KiB, in both directions. Refuses with `MalformedError`.

One frame is one SEQPACKET message. What a plugin says inside a frame (arguments, results) stays raw until somebody
wants it. `Up` is what an instance may send, `Down` what the supervisor may; each end decodes only the other's union.
"""

from typing import Any

import msgspec

from exosdk.nesting import check
from exosdk.signature import MalformedError as MalformedError

PROTOCOL = 3
"""2: settings of others, Want and Given. 3: links, Lay, Join, Part and Route."""
OLDEST_PROTOCOL = max(1, PROTOCOL - 1)
"""Both ends speak N and N-1, so that a daemon and a zygote one version apart still meet."""

API_LEVEL = 1
MAX_FRAME = 64 << 10
NOTHING = msgspec.Raw(b"\xc0")


class Frame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag_field="frame"):
    """An array whose first element names the frame."""


class Method(Frame, frozen=True):
    """`arguments` and `result` are D-Bus signatures."""

    name: str
    arguments: str
    result: str


class Signal(Frame, frozen=True):
    name: str
    arguments: str


class Property(Frame, frozen=True):
    name: str
    type: str
    access: str


class Service(Frame, frozen=True):
    name: str
    interface: str
    methods: tuple[Method, ...]
    signals: tuple[Signal, ...]
    properties: tuple[Property, ...]


# --- up: from the instance -----------------------------------------------------------------------------------------


class Hello(Frame, tag="hello", frozen=True):
    """The first message: the birth nonce, the protocols spoken, and the walls as the instance sees them."""

    instance: int
    nonce: bytes
    oldest: int
    newest: int
    walls: dict[str, str]


class Ready(Frame, tag="ready", frozen=True):
    api: int
    hooks: tuple[str, ...]
    services: tuple[str, ...]


class Failed(Frame, tag="failed", frozen=True):
    """The plugin cannot be used: `code` is kebab-case, `sentence` is a reason that follows a colon."""

    code: str
    sentence: str


class Reply(Frame, tag="reply", frozen=True):
    id: int
    value: msgspec.Raw


class Fault(Frame, tag="fault", frozen=True):
    """The plugin raised: the exception's class and text. The traceback is in the plugin's log."""

    id: int
    kind: str
    message: str


class Pong(Frame, tag="pong", frozen=True):
    number: int


class Passed(Frame, tag="passed", frozen=True):
    """The echo of an epoch: all that came before it was meant for an earlier supervisor.

    `state` is where the plugin's hooks have left it: loaded, running or suspended; "" before it was let go.
    """

    epoch: int
    state: str


class Emit(Frame, tag="emit", frozen=True):
    service: str
    signal: str
    arguments: msgspec.Raw


class Changed(Frame, tag="changed", frozen=True):
    """`properties` is a map from D-Bus name to value."""

    service: str
    properties: msgspec.Raw


class Want(Frame, tag="want", frozen=True):
    """A question to a broker: of what kind, about what, and more of it. Answered by Given with this id."""

    id: int
    kind: str
    key: str
    value: msgspec.Raw


# --- down: from the supervisor -------------------------------------------------------------------------------------


class Go(Frame, tag="go", frozen=True):
    """All that the instance has to know of its confinement; sent once, after the walls were checked from outside."""

    protocol: int
    plugin: str
    version: str
    type: str
    entry: str
    config: dict[str, bool | int | float | str]
    permissions: dict[str, tuple[str, ...]]
    services: tuple[Service, ...]
    call_time: float


class Call(Frame, tag="call", frozen=True):
    """`kind` is hook, method, get or set. `arguments` is a map for a hook, else an array. `deadline` is in seconds."""

    id: int
    kind: str
    service: str
    member: str
    arguments: msgspec.Raw
    caller: str
    uid: int
    deadline: float


class Ping(Frame, tag="ping", frozen=True):
    number: int


class Given(Frame, tag="given", frozen=True):
    """`refused` is "", or why there is no value."""

    id: int
    value: msgspec.Raw
    refused: str


class Lay(Frame, tag="lay", frozen=True):
    """An end of a link to be made, on the memory that comes along; told with a Want of kind "laid" once it is.

    `instance`: the peer's. `calls`: methods of ours, as SERVICE.Method, that the peer may call. Of a link that
    there is, without memory: they are these from now on.
    """

    link: int
    peer: str
    instance: int
    sends: bool
    priority: str
    slots: int
    arena: int
    calls: tuple[str, ...]


class Join(Frame, tag="join", frozen=True):
    """With the other end's memory, sealed. With what is rung: the doorbell for who sends, if it has none there yet."""

    link: int


class Part(Frame, tag="part", frozen=True):
    """The link is no more. `reason` is a code: instance-lost, stopped, not-taken."""

    link: int
    reason: str


class Route(Frame, tag="route", frozen=True):
    """Which topics of ours `receiver` wants, all of them; none: no more."""

    receiver: str
    patterns: tuple[str, ...]


class House(Frame, tag="house", frozen=True):
    """With an epoll instance: the doorbells of whoever sends to us are in it."""


class Epoch(Frame, tag="epoch", frozen=True):
    epoch: int


class Bye(Frame, tag="bye", frozen=True):
    """Leave now, with status 0."""


Up = Hello | Ready | Failed | Reply | Fault | Pong | Passed | Emit | Changed | Want
Down = Go | Call | Ping | Epoch | Bye | Given | Lay | Join | Part | Route | House

_encoder = msgspec.msgpack.Encoder()
_up = msgspec.msgpack.Decoder(Up)
_down = msgspec.msgpack.Decoder(Down)
_payload = msgspec.msgpack.Decoder()


def encode(frame: Up | Down) -> bytes:
    """One message, or `MalformedError` when the other end would refuse it."""
    data = _encode(frame)
    if len(data) > MAX_FRAME:
        raise MalformedError(f"the message has {len(data)} bytes, more than {MAX_FRAME}")
    check(data)
    return data


def pack(value: Any) -> msgspec.Raw:
    """A plugin's value as a payload, or `MalformedError`: what no MessagePack type holds cannot be sent."""
    return msgspec.Raw(_encode(value))


def _encode(value: Any) -> bytes:
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedError(f"the value cannot be sent: {error}") from None


def decode_up(data: bytes) -> Up:
    frame: Up = _frame(_up, data)
    return frame


def decode_down(data: bytes) -> Down:
    frame: Down = _frame(_down, data)
    return frame


def unpack(payload: msgspec.Raw) -> Any:
    """The value of a payload that came in a checked frame, or `MalformedError` (broken UTF-8, a map as a key)."""
    return _decode(_payload, payload)


def _frame(decoder: msgspec.msgpack.Decoder[Any], data: bytes) -> Any:
    if len(data) > MAX_FRAME:
        raise MalformedError(f"the message is longer than {MAX_FRAME} bytes")
    check(data)
    return _decode(decoder, data)


def _decode(decoder: msgspec.msgpack.Decoder[Any], data: bytes | msgspec.Raw) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError, TypeError) as error:
        raise MalformedError(f"the message is not a frame: {error}") from None
