import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exoctl import codec


def test_a_message_survives_the_way_there_and_back() -> None:
    message = codec.Message(
        path="/x", member="Y", signature="sa{sv}", body=["a", {"k": codec.Variant("u", 7)}], serial=3
    )
    frame = codec.encode(message)
    assert codec.frame_size(frame[:16]) == len(frame)
    back = codec.decode(frame)
    assert (back.member, back.body[0], back.body[1]["k"].value, back.serial) == ("Y", "a", 7, 3)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_a_value_error_is_the_worst(data: bytes) -> None:
    try:
        codec.decode(b"l\1\0\1" + data)
    except ValueError:
        pass


@pytest.mark.slow
def test_the_codec_is_entered_without_asyncio_and_leaves_the_library_whole() -> None:
    program = (
        "import sys, exoctl.codec; assert not {'asyncio', 'dbus_next'} & set(sys.modules);"
        "sys.modules['gi'] = None; import dbus_next; assert dbus_next.Message is exoctl.codec.Message; dbus_next.aio"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
