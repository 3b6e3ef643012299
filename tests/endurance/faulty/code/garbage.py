"""On the channel, beside what the SDK sends there: what is no frame, no honest frame, or far too many."""

import _socket
import os

import msgspec

from exosdk import wire

CHANNEL = 3
_DONTWAIT = 0x40
_PACK = msgspec.msgpack.Encoder().encode
_DEEP = (1, 31, 33, 200, 5_000, 60_000)
_ODD = (None, True, -1, 1 << 63, 0.5, "", "\0", "x" * 5_000, b"\xff", [], {}, [[[]]], {"a": {"b": 1}}, "\u202e")


def commit(plugin, random):
    kind = "nothing" if random.random() < 0.01 else random.choice(tuple(KINDS))
    sent, refused = 0, ""
    end = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, CHANNEL)
    try:
        for data, descriptors in KINDS[kind](random) if kind != "nothing" else [(b"", b"")]:
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)] if descriptors else []
            end.sendmsg([data], rights, _DONTWAIT)
            sent += 1
    except OSError as error:
        refused = f", then {type(error).__name__} {error.errno}"
    finally:
        end.detach()
    return f"{kind}: {sent} sent{refused}"


def plain(make):
    return lambda random: [(make(random), b"")]


def honest(random):
    """A frame that an instance may send, at the right or at the wrong time."""
    value = msgspec.Raw(_PACK(random.choice(_ODD)))
    number = random.choice((0, 1, 2, 7, 1 << 32, (1 << 63) - 1))
    word = random.choice(("faulty", "Said", "Beats", "", "x" * 300))
    frames = (
        wire.Hello(number, b"n" * 16, 1, 2, {}),
        wire.Ready(1, (), ()),
        wire.Failed(word, word),
        wire.Reply(number, value),
        wire.Fault(number, word, word),
        wire.Pong(number),
        wire.Passed(number, word),
        wire.Emit(word, word, value),
        wire.Emit("faulty", "Said", value),
        wire.Changed(word, value),
        wire.Changed("faulty", msgspec.Raw(_PACK({"Beats": random.choice(_ODD)}))),
        wire.Want(number, random.choice(("read", "write", word)), random.choice(("system.hostname", word)), value),
    )
    return msgspec.msgpack.encode(random.choice(frames))


def noise(random):
    return random.randbytes(random.choice((1, 2, 16, 300, 4_000, 60_000)))


def cut(random):
    data = honest(random)
    return data[: random.randrange(1, len(data) + 1)]


def flipped(random):
    data = bytearray(honest(random))
    for _ in range(random.choice((1, 1, 2, 5))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def long(random):
    return bytes(random.choice((65_535, 65_536, 65_537, 100_000, 200_000)))


def deep(random):
    depth = random.choice(_DEEP)
    return random.choice((b"\x91" * depth + b"\xc0", b"\x81\xa1a" * (depth // 3 + 1) + b"\xc0"))


def mistyped(random):
    """The right name, and after it anything."""
    tag = random.choice(
        ("hello", "ready", "reply", "fault", "pong", "emit", "changed", "want", "go", "call", "none", 7)
    )
    return _PACK([tag, *(random.choice(_ODD) for _ in range(random.randrange(8)))])


def promised(random):
    """A size that is not there."""
    head = random.choice((b"\xdd", b"\xdf", b"\xdb", b"\xc6"))
    return head + random.choice((0xFFFFFFFF, 0x7FFFFFFF, 65_536, 20_000)).to_bytes(4, "big") + random.randbytes(50)


def extension(random):
    return random.choice((b"\xd6\xff" + bytes(4), b"\xc7\x00\x05", b"\xc1", b"\xd8\x01" + bytes(16)))


def several(random):
    return [(honest(random), b"") for _ in range(random.choice((2, 5, 20)))]


def flood(random):
    data = msgspec.msgpack.encode(wire.Emit("faulty", "Said", msgspec.Raw(_PACK([random.randrange(9)]))))
    return [(data, b"")] * random.choice((100, 400, 2_000))


def descriptors(random):
    many = [os.dup(0) for _ in range(random.choice((1, 4, 16)))]
    data = b"".join(one.to_bytes(4, "little") for one in many)
    try:
        yield honest(random), data
    finally:
        for one in many:
            os.close(one)


KINDS = {one.__name__: plain(one) for one in (honest, noise, cut, flipped, long, deep, mistyped, promised, extension)}
KINDS |= {"several": several, "flood": flood, "descriptors": descriptors}
