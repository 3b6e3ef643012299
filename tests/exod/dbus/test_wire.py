"""One connection: framing, caps, descriptors, queues and deadlines; over a socket pair where we play the bus."""

import asyncio
import os
import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exod.closer import close_elsewhere
from exod.dbus import wire as wires
from exod.dbus.codec import CALL, ERROR, RETURN, SIGNAL, Header, Outgoing
from exod.dbus.wire import MESSAGE_MAX, BusLost, CallFailed, Wire
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import Daemon, Rig, until, with_descriptors

QUESTION = Outgoing(CALL, "/", "a.b", "C", destination="a.b")
PING = Outgoing(CALL, "/", "a.b", "Ping", destination=":1.1")


class Pair:
    def __init__(self) -> None:
        ours, self.bus = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        self.got: list[Header] = []
        self.arrived = asyncio.Event()
        self.closed: list[int] = []
        self.wire = Wire(ours, on_message=self.take)

    def take(self, header: Header) -> None:
        self.got.append(header)
        close_elsewhere(header.fds)
        self.arrived.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.got) < count:
                self.arrived.clear()
                await self.arrived.wait()

    def close(self) -> None:
        self.wire.close()
        self.bus.close()


@pytest.fixture
async def pair():
    made = Pair()
    yield made
    made.close()


async def test_messages_arrive_in_any_pieces(pair: Pair) -> None:
    data = b"".join(PING.pack(serial) for serial in range(1, 6))
    for at in range(0, len(data), 7):
        pair.bus.send(data[at : at + 7])
        await asyncio.sleep(0)
    await pair.until(5)
    assert [header.serial for header in pair.got] == [1, 2, 3, 4, 5]


async def test_a_message_over_the_cap_is_skipped_and_the_next_one_read(pair: Pair) -> None:
    big = Outgoing(CALL, "/", "a.b", "Big", signature="ay", body=[bytes(MESSAGE_MAX)]).pack(1)
    sending = asyncio.to_thread(pair.bus.sendall, big + PING.pack(2))
    await asyncio.gather(sending, pair.until(2))
    assert [(header.member, header.frame is None) for header in pair.got] == [("Big", True), ("Ping", False)]
    assert len(pair.wire._in) == 0
    assert pair.wire.skipped == 1


async def test_a_header_over_the_cap_is_skipped_unread(pair: Pair) -> None:
    big = Outgoing(CALL, "/" + "a" * MESSAGE_MAX, "a.b", "Big").pack(1)
    sending = asyncio.to_thread(pair.bus.sendall, big + PING.pack(2))
    await asyncio.gather(sending, pair.until(1))
    assert [header.member for header in pair.got] == ["Ping"]


@pytest.mark.parametrize("start", [b"x\x01\0\x01", b"l\x01\0\x02"])
async def test_what_is_no_message_ends_the_connection(pair: Pair, start: bytes) -> None:
    pair.bus.send(start + bytes(12))
    assert await asyncio.wait_for(pair.wire.lost, 5) == "malformed message"


async def test_descriptors_go_to_the_message_that_brought_them(pair: Pair) -> None:
    files = [os.memfd_create(f"f{number}") for number in range(3)]
    kept: list[int] = []
    pair.wire._on_message = lambda header: (pair.got.append(header), kept.extend(header.fds), pair.arrived.set())
    pair.bus.send(PING.pack(1))
    socket.send_fds(pair.bus, [with_descriptors(PING.pack(2), 1)], files[:1])
    pair.bus.send(PING.pack(3))
    socket.send_fds(pair.bus, [with_descriptors(PING.pack(4), 2)], files[1:])
    await pair.until(4)
    assert [len(header.fds) for header in pair.got] == [0, 1, 0, 2]
    assert [os.fstat(fd).st_ino for fd in kept] == [os.fstat(fd).st_ino for fd in files]
    assert all(os.get_inheritable(fd) is False for fd in kept)
    for fd in kept + files:
        os.close(fd)


async def test_descriptors_of_a_skipped_message_are_nobody_elses(pair: Pair) -> None:
    """The header that would say how many there were is too large to be read."""
    file = os.memfd_create("f")
    big = with_descriptors(Outgoing(CALL, "/" + "a" * MESSAGE_MAX, "a.b", "Big").pack(1), 1)
    before = len(os.listdir("/proc/self/fd"))

    def send() -> None:
        socket.send_fds(pair.bus, [big[:1000]], [file])
        pair.bus.sendall(big[1000:] + with_descriptors(PING.pack(2), 1))

    await asyncio.gather(asyncio.to_thread(send), pair.until(1))
    assert pair.got[0].fds == []
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)
    os.close(file)


async def test_a_flood_leaves_turns_to_everybody_else(pair: Pair) -> None:
    """THREATS 52: no turn of the loop handles more than its share, however much lies ready."""
    turns: list[int] = []
    pair.bus.setblocking(False)
    sent = 0
    while True:
        try:
            sent += pair.bus.send(PING.pack(1) * 50) // len(PING.pack(1))
        except BlockingIOError:
            break
    while len(pair.got) < sent - 1:
        before = len(pair.got)
        await asyncio.sleep(0)
        turns.append(len(pair.got) - before)
    assert sent > 1000
    assert max(turns) <= 2 * wires._FRAMES_PER_TURN


async def test_a_full_socket_drops_signals_and_keeps_replies(pair: Pair) -> None:
    signal = Outgoing(SIGNAL, "/", "a.b", "S", signature="ay", body=[bytes(1 << 20)])
    for _ in range(12):
        pair.wire.send(signal)
    assert pair.wire.signals_dropped > 0
    assert pair.wire.send(Outgoing(RETURN, reply_to=5, destination=":1.1", signature="ay", body=[bytes(1 << 20)]))
    mark = struct.pack("<BBB", ord("l"), RETURN, 0)
    pair.bus.settimeout(5)

    def read_until_the_reply() -> bytes:
        data = b""
        while mark not in data:
            data = data[-200:] + pair.bus.recv(1 << 20)
        return data

    assert await asyncio.to_thread(read_until_the_reply)
    assert not pair.wire.lost.done()


async def test_a_bus_that_never_reads_is_given_up(pair: Pair) -> None:
    reply = Outgoing(RETURN, reply_to=5, destination=":1.1", signature="ay", body=[bytes(8 << 20)])
    while not pair.wire.lost.done():
        pair.wire.send(reply)
    assert await pair.wire.lost == "the bus does not read"
    assert pair.wire.send(reply) == 0


async def test_while_answers_pile_up_no_more_questions_are_read(pair: Pair) -> None:
    pair.wire.send(Outgoing(RETURN, reply_to=5, destination=":1.1", signature="ay", body=[bytes(6 << 20)]))
    pair.bus.send(PING.pack(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert pair.got == []

    def drain() -> None:
        left = 6 << 20
        while left > 0:
            left -= len(pair.bus.recv(1 << 20))

    await asyncio.gather(asyncio.to_thread(drain), pair.until(1))


async def test_a_call_has_a_deadline(pair: Pair) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await pair.wire.call(QUESTION, returns="", deadline=0.01)
    assert time.monotonic() - started < 2
    assert pair.wire._waiting == {}


def answer(pair: Pair, message: Outgoing) -> None:
    pair.bus.send(message.pack(1))


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (Outgoing(ERROR, error="a.b.No", reply_to=1, signature="s", body=["why"]), "a.b.No: why"),
        (Outgoing(ERROR, error="a.b.No", reply_to=1, signature="u", body=[5]), "a.b.No: "),
        (Outgoing(RETURN, reply_to=1, signature="s", body=["x"]), "InvalidSignature"),
        (Outgoing(RETURN, reply_to=1), "InvalidSignature"),
    ],
)
async def test_an_answer_that_is_not_what_was_declared_is_a_failure(pair: Pair, message: Outgoing, name: str) -> None:
    answer(pair, message)
    with pytest.raises(CallFailed, match=name):
        await pair.wire.call(QUESTION, returns="u", deadline=5)


async def test_answers_that_nobody_waits_for_are_dropped_with_their_descriptors(pair: Pair) -> None:
    before = len(os.listdir("/proc/self/fd"))
    data = with_descriptors(Outgoing(RETURN, reply_to=99).pack(1), 1)
    for _ in range(10):
        socket.send_fds(pair.bus, [data], [0])
    pair.bus.send(PING.pack(2))
    await pair.until(1)
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_calls_end_with_the_connection(pair: Pair) -> None:
    calling = asyncio.ensure_future(pair.wire.call(QUESTION, returns=""))
    await asyncio.sleep(0)
    pair.bus.close()
    with pytest.raises(BusLost):
        await calling
    assert await pair.wire.lost in ("hung up", "Connection reset by peer")
    with pytest.raises(BusLost):
        await pair.wire.call(QUESTION, returns="")
    pair.wire.close()


@pytest.mark.parametrize("answer", [b"REJECTED EXTERNAL\r\nERROR\r\n", b"OK 12\r\nERROR\r\n", b"OK", b"x" * 2000])
async def test_a_bus_that_does_not_authenticate_us_or_takes_no_descriptors_is_refused(tmp_path, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readexactly(15)) == b"\0AUTH EXTERNAL "
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, tmp_path / "bus")
    with pytest.raises(BusLost):
        await wires.connect(f"unix:path={tmp_path}/bus", on_message=print)
    server.close()
    await server.wait_closed()


async def test_nobody_at_the_address_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        await wires.connect(f"unix:path={tmp_path}/bus", on_message=print)


async def test_the_bus_speaks_to_us_and_a_ping_is_quick(rig: Rig) -> None:
    async with rigs.client(rig.address) as client:
        times = []
        for _ in range(300):
            started = time.perf_counter()
            await client.call("Ping", interface="org.freedesktop.DBus.Peer")
            times.append(time.perf_counter() - started)
        assert sorted(times)[150] < 0.002


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.just(PING.pack(1))), max_size=8))
def test_any_stream_of_bytes_ends_in_messages_or_a_closed_connection(chunks: list[bytes]) -> None:
    async def run() -> None:
        pair = Pair()
        try:
            for chunk in chunks:
                if pair.wire.lost.done():
                    break
                pair.bus.send(chunk)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        finally:
            pair.close()

    asyncio.run(run())


async def test_serials_wrap_without_becoming_zero(bus_daemon: Daemon) -> None:
    async with rigs.client(bus_daemon.address) as client:
        client.wire._serial = 0xFFFFFFFE
        first = client.wire.send(PING)
        assert (first, client.wire.send(PING)) == (0xFFFFFFFF, 1)
