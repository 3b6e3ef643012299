"""Messages as bytes: what we pack, dbus-next and we ourselves read back the same; what is malformed is refused."""

import io
import struct
import subprocess
import sys

import pytest
from dbus_next._private.unmarshaller import Unmarshaller
from hypothesis import given, settings
from hypothesis import strategies as st

from exod.dbus import codec
from exod.dbus.codec import CALL, ERROR, RETURN, SIGNAL, Header, Malformed, Outgoing, Variant

MESSAGES = [
    Outgoing(CALL, "/a/b", "a.b", "Do", destination=":1.5", signature="sa{sv}", body=["x", {"k": Variant("u", 7)}]),
    Outgoing(CALL, "/", member="M", flags=4),
    Outgoing(RETURN, reply_to=77, destination=":1.5", signature="(si)ayt", body=[["a", -1], b"xyz", 1 << 60]),
    Outgoing(ERROR, error="a.b.C", reply_to=9, destination=":1.123456", signature="s", body=["no"]),
    Outgoing(SIGNAL, "/p", "i.i", "S", signature="as", body=[["a", "bb"]]),
]


def header_of(data: bytes) -> Header:
    body, _, fields = struct.unpack_from("<III", data, 4)
    header = Header.parse(data, fields=fields, size=len(data))
    assert header.body_at + body == len(data)
    header.frame = data
    return header


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_what_is_packed_is_read_back(message: Outgoing) -> None:
    header = header_of(message.pack(5))
    for name in ("type", "path", "interface", "member", "error", "reply_to", "destination", "signature", "flags"):
        assert getattr(header, name) == getattr(message, name)
    assert header.serial == 5
    assert header.body() == list(message.body)


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_another_implementation_reads_the_same(message: Outgoing) -> None:
    read = Unmarshaller(io.BytesIO(message.pack(5))).unmarshall()
    assert (read.path or "", read.member or "", read.signature) == (message.path, message.member, message.signature)
    assert (read.error_name or "", read.reply_serial or 0) == (message.error, message.reply_to)
    assert read.body == list(message.body)


def test_big_endian_messages_are_read() -> None:
    path = struct.pack(">BB2sI", 1, 1, b"o\0", 2) + b"/a\0"
    member = b"\x03\x01s\0" + struct.pack(">I", 1) + b"M\0"
    signature = b"\x08\x01g\0\x01u\0"
    fields = b"".join(one + bytes(-len(one) & 7) for one in (path, member)) + signature
    data = struct.pack(">BBBBIII", ord("B"), CALL, 0, 1, 4, 3, len(fields)) + fields + bytes(-len(fields) & 7)
    data += struct.pack(">I", 42)
    header = Header.parse(data, fields=len(fields), size=len(data))
    header.frame = data
    assert (header.serial, header.path, header.member, header.body()) == (3, "/a", "M", [42])


def test_a_body_that_says_too_little_or_too_much_is_refused() -> None:
    data = MESSAGES[0].pack(1)
    for wrong in (data + b"\0", data[:-1]):
        header = header_of(data)
        header.frame = wrong
        with pytest.raises(Malformed):
            header.body()
    header.frame = None
    with pytest.raises(Malformed):
        header.body()


def test_the_signatures_of_strangers_are_not_kept_for_ever() -> None:
    for number in range(3000):
        codec.tree("a" * (number % 30) + "(" + "".join("sxiu"[number >> shift & 3] for shift in range(0, 12, 2)) + ")")
    assert len(codec.SignatureTree._cache) <= codec._TREES_KEPT + 1


def test_importing_the_codec_leaves_pygobject_out_and_importable() -> None:
    code = "import sys, exod.dbus.codec; sys.exit('gi' in sys.modules or 'gi.repository' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    code = (
        "import sys, types; gi = sys.modules['gi'] = types.ModuleType('gi'); "
        "import exod.dbus.codec; sys.exit(sys.modules['gi'] is not gi)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_damaged_messages_are_refused_and_nothing_else(data: st.DataObject) -> None:
    message = bytearray(data.draw(st.sampled_from(MESSAGES)).pack(1))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(16, len(message) - 1))] = data.draw(st.integers(0, 255))
    fields = struct.unpack_from("<I", message, 12)[0]
    try:
        header = Header.parse(bytes(message), fields=fields, size=len(message))
        header.frame = bytes(message)
        header.body()
    except Malformed:
        pass


@settings(derandomize=True, max_examples=200, deadline=None)
@given(signature=st.sampled_from(["s", "a{sv}", "v", "aav", "(sa(ii))", "ay", "g"]), body=st.binary(max_size=64))
def test_any_body_is_read_or_refused(signature: str, body: bytes) -> None:
    header = Header(CALL, 0, 1, len(body), True, 0, signature=signature, frame=body)
    try:
        header.body()
    except Malformed:
        pass
