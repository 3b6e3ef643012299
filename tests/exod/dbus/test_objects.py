"""What functions see of a call, and values as variants of their declared type."""

import pytest

from exod.dbus import introspect
from exod.dbus.codec import CALL, INTERACTIVE, Header, Malformed, Outgoing, Variant
from exod.dbus.failures import Standard
from exod.dbus.guard import Unfit
from exod.dbus.objects import Call, arguments, typed
from exod.supervisor.ports import Caller


def call(**fields: object) -> Call:
    return Call(None, None, Header(CALL, INTERACTIVE, 1, 0, True, 0, sender=":1.1", **fields))  # type: ignore[arg-type]


def test_a_descriptor_is_taken_once() -> None:
    one = call(fds=[33])
    with pytest.raises(Standard, match="no such descriptor"):
        one.take(1)
    assert one.take(0) == 33
    with pytest.raises(Standard, match="no such descriptor"):
        one.take(0)
    assert one.left() == []
    assert call(fds=[4, 5]).left() == [4, 5]


def test_who_calls_is_known_only_after_authority_was_asked() -> None:
    one = call()
    assert one.interactive
    with pytest.raises(AssertionError):
        _ = one.by
    one.caller = Caller(":1.1", 0)
    assert one.by.uid == 0


def test_values_get_the_declared_type() -> None:
    interface = introspect.shipped("org.exoos.Exod1.Instance")
    assert typed(interface, {"Id": 5}) == {"Id": Variant("t", 5)}
    with pytest.raises(Unfit):
        typed(interface, {"Id": "5"})


def test_arguments_are_plain_values() -> None:
    data = Outgoing(CALL, "/", member="M", signature="v", body=[Variant("s", "x")]).pack(1)
    header = Header.parse(data, fields=int.from_bytes(data[12:16], "little"), size=len(data))
    header.frame = data
    assert arguments(header) == ["x"]
    header.frame = data[:-1]
    with pytest.raises(Malformed):
        arguments(header)
