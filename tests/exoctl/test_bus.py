import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exoctl.bus import DRIVER, DRIVER_PATH, Connection, Late
from exoctl.codec import Variant
from exod.errors import Outcome, Refused
from exod.names import BUS_NAME, ROOT_PATH
from tests.exoctl.fake import FakeExod

WELCOME = b"OK 1234\r\nAGREE_UNIX_FD\r\n"


@contextmanager
def bus_that(path: Path, speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A bus that says what `speak` says to its one client."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(4096)
            speak(client)
            client.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"unix:path={path}"
    finally:
        thread.join()
        listener.close()


def refusal_of(address: str) -> str:
    with pytest.raises(Refused) as caught:
        Connection(address, deadline=0.2)
    return caught.value.refusal.code


def test_a_call_has_a_deadline(exod: FakeExod) -> None:
    gate = threading.Event()
    exod.answers["ListLoaded"] = lambda *_: [[]] if gate.wait(5) else []
    bus = Connection(exod.address)
    with pytest.raises(Late) as caught:
        bus.call(ROOT_PATH, f"{BUS_NAME}.Manager", "ListLoaded", deadline=0.01)
    assert caught.value.refusal.outcome is Outcome.TIMED_OUT
    gate.set()
    bus.close()


def test_signals_that_come_before_an_answer_are_kept(bus: str) -> None:
    client = Connection(bus)
    client.subscribe("type='signal',member='NameOwnerChanged'")
    other = Connection(bus)
    client.call(DRIVER_PATH, DRIVER, "GetId", destination=DRIVER)
    seen = [client.signal(deadline=1) for _ in range(2)]
    assert "NameOwnerChanged" in {message.member for message in seen if message is not None}
    assert client.signal(deadline=0.0) is None
    other.close()
    client.close()


def test_what_does_not_fit_the_signature_is_our_own_error(bus: str) -> None:
    client = Connection(bus)
    with pytest.raises(Refused, match="internal error: GetId"):
        client.call(DRIVER_PATH, DRIVER, "GetId", "u", ["no number"], destination=DRIVER)
    client.close()


def test_descriptors_that_others_send_are_never_taken(bus: str) -> None:
    open_before = len(os.listdir("/proc/self/fd"))
    client, sender = Connection(bus), Connection(bus)
    client.subscribe("type='signal',interface='org.example.X'")
    client.call(DRIVER_PATH, DRIVER, "GetId", destination=DRIVER)
    from exoctl.codec import Message, MessageType, encode

    signal = Message(message_type=MessageType.SIGNAL, path="/x", interface="org.example.X", member="Take", serial=99)
    signal.signature, signal.body, signal.unix_fds = "h", [0], [0]
    sender._write(encode(signal), [0])
    members = [message.member for _ in range(2) if (message := client.signal(deadline=1)) is not None]
    assert "Take" in members
    client.close()
    sender.close()
    assert len(os.listdir("/proc/self/fd")) == open_before


@pytest.mark.parametrize("address", ["tcp:host=localhost,port=1", "unix:path=/nowhere/bus", "", "unix:tmpdir=/tmp"])
def test_an_address_that_leads_nowhere_is_unreachable(address: str) -> None:
    assert refusal_of(address) == "daemon-unreachable"


def test_the_first_address_that_answers_is_taken(bus: str) -> None:
    Connection(f"unix:path=/nowhere;{bus}").close()


def test_an_abstract_address_may_be_escaped(tmp_path: Path) -> None:
    assert refusal_of("unix:abstract=exoctl%2dtest%2dnobody") == "daemon-unreachable"


def test_a_bus_that_rejects_us_is_unreachable(tmp_path: Path) -> None:
    with bus_that(tmp_path / "b", lambda client: client.sendall(b"REJECTED EXTERNAL\r\n")) as address:
        assert refusal_of(address) == "daemon-unreachable"


def test_a_bus_that_hangs_up_is_unreachable(tmp_path: Path) -> None:
    with bus_that(tmp_path / "b", lambda client: client.shutdown(socket.SHUT_RDWR)) as address:
        assert refusal_of(address) == "daemon-unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        b"x" * 16,
        struct.pack("<BBBBIII", ord("l"), 1, 0, 1, 0x7FFFFFFF, 1, 0x7FFFFFF),
        struct.pack("<BBBBIII", ord("l"), 9, 0, 1, 0, 1, 0),
        struct.pack(">BBBBIII", ord("B"), 1, 0, 7, 0, 1, 0),
    ],
    ids=["no message", "too large", "unknown type", "unknown version"],
)
def test_bytes_that_are_no_message_are_refused(tmp_path: Path, answer: bytes) -> None:
    with bus_that(tmp_path / "b", lambda client: client.sendall(WELCOME + answer)) as address:
        assert refusal_of(address) == "internal-error"


def test_properties_come_without_their_variants(exod: FakeExod) -> None:
    exod.has_plugin("hello")
    bus = Connection(exod.address)
    assert bus.properties(f"{ROOT_PATH}/plugin/hello", f"{BUS_NAME}.Plugin")["Name"] == "hello"
    bus.close()
    assert isinstance(Variant("s", "x").value, str)
