"""Ways of libraries that only the bench installs (packaging/bench.lock): mq, ZeroMQ, iceoryx2, D-Bus, gRPC.

Each is imported in the process that uses it, and nowhere else: threads of one must not be there when another is forked.
"""

import asyncio
import ctypes
import importlib
import importlib.util
import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ring_ways import TURN, Answer, Ask, Peer, Receive, Send, Turn, Way, two_ways

_NEEDS = {
    "posix mq": "posix_ipc",
    "pyzmq": "zmq",
    "iceoryx2": "iceoryx2",
    "dbus-fast": "dbus_fast",
    "dbus-next": "dbus_next",
    "gRPC": "grpc",
}
_SO_SNDBUFFORCE = 32
_PATH, _FACE = "/org/exoos/BenchRing1", "org.exoos.BenchRing1"
_PREFIX = f"exod_bench_{os.getpid()}_"
_NUMBERS = itertools.count()


@contextmanager
def installed(place: Path, *, bus: str) -> Iterator[tuple[Mapping[str, Peer], list[str]]]:
    """Those that are there, which put their sockets into `place`; and the names of those that are not."""
    peers = {
        "posix mq": Peer(_queue, two_ways(_queue), largest=8192),  # of a message, by the kernel's default
        "pyzmq": Peer(lambda: _zmq(place), two_ways(lambda: _zmq(place)), share=2),
        "iceoryx2": Peer(lambda: _iceoryx(place), two_ways(lambda: _iceoryx(place)), share=8, sleeps=False),
        "dbus-fast": Peer(lambda: _bus_way("dbus_fast", bus), lambda: _bus_turn("dbus_fast", bus), share=40),
        "dbus-next": Peer(lambda: _bus_way("dbus_next", bus), lambda: _bus_turn("dbus_next", bus), share=200),
        "gRPC": Peer(lambda: _grpc_way(place), lambda: _grpc_turn(place), share=80),
    }
    missing = [name for name in peers if importlib.util.find_spec(_NEEDS[name]) is None]
    try:
        yield {name: peer for name, peer in peers.items() if name not in missing}, missing
    finally:
        for left in Path("/dev/shm").glob(f"{_PREFIX}*"):  # of iceoryx2, for its next start
            left.unlink()


def _fresh(place: Path) -> Path:
    """The stage that makes a way is a process of its own, so that its number alone is not enough."""
    return place / f"{os.getpid()}-{next(_NUMBERS)}"


def _queue() -> Way:
    ipc: Any = importlib.import_module("posix_ipc")
    queue = ipc.MessageQueue(None, flags=ipc.O_CREX, max_messages=10, max_message_size=8192)
    queue.unlink()
    return Way(
        lambda: lambda payload, count: [queue.send(payload) for _ in range(count)],
        lambda: lambda _size, count: [queue.receive() for _ in range(count)],
    )


def _zmq(place: Path) -> Way:
    address = f"ipc://{_fresh(place)}"

    def opened(kind: str) -> Any:
        zmq: Any = importlib.import_module("zmq")
        made = zmq.Context.instance().socket(getattr(zmq, kind))
        made.setsockopt(zmq.LINGER, 0)
        (made.bind if kind == "PULL" else made.connect)(address)
        return made

    def sender() -> Send:
        sink = opened("PUSH")
        return lambda payload, count: [sink.send(payload) for _ in range(count)]

    def receiver() -> Receive:
        source = opened("PULL")
        return lambda _size, count: [source.recv() for _ in range(count)]

    return Way(sender, receiver)


# --- iceoryx2 ---------------------------------------------------------------------------------------------------------


def _iceoryx(place: Path) -> Way:
    """Looks without sleeping, as its examples do; nothing is overwritten and nothing dropped."""
    name = str(_fresh(place))

    def service(box: Any) -> Any:
        box.set_log_level(box.LogLevel.Error)
        settings = box.config.default()
        settings.global_cfg.root_path = box.Path.new(str(place / "iceoryx2"))
        settings.global_cfg.prefix = box.FileName.new(_PREFIX)
        node = box.NodeBuilder.new().config(settings).create(box.ServiceType.Ipc)
        builder = node.service_builder(box.ServiceName.new(name)).publish_subscribe(box.Slice[ctypes.c_uint8])
        return builder.enable_safe_overflow(False).subscriber_max_buffer_size(64).open_or_create()  # noqa: FBT003

    def sender() -> Send:
        box: Any = importlib.import_module("iceoryx2")
        builder = service(box).publisher_builder().initial_max_slice_len(1 << 20)
        publisher = builder.backpressure_strategy(box.BackpressureStrategy.RetryUntilDelivered).create()

        def send(payload: bytes, count: int) -> None:
            for _ in range(count):
                sample = publisher.loan_slice_uninit(len(payload))
                ctypes.memmove(sample.payload_ptr, payload, len(payload))
                sample.assume_init().send()

        return send

    def receiver() -> Receive:
        box: Any = importlib.import_module("iceoryx2")
        subscriber = service(box).subscriber_builder().create()

        def receive(_size: int, count: int) -> None:
            while count:
                if (sample := subscriber.receive()) is not None:
                    bytes(sample.payload().as_memory_view())
                    sample.delete()
                    count -= 1

        return receive

    return Way(sender, receiver)


# --- D-Bus: both libraries have the same face -------------------------------------------------------------------------


class _Bus:
    """A connection to the private bus on a loop of its own; `name` is the reader's."""

    def __init__(self, library: str, address: str, name: str) -> None:
        self._name = name
        self.library: Any = importlib.import_module(library)
        aio: Any = importlib.import_module(f"{library}.aio")
        self._loop = asyncio.new_event_loop()

        async def connect() -> Any:  # both want their loop to run already
            return await aio.MessageBus(bus_address=address).connect()

        self._bus = self.run(connect())
        # dbus-fast takes a full socket for a broken one: this one is never full.
        self._bus._sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, 64 << 20)

    def run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)

    def message(self, payload: bytes, **more: Any) -> Any:
        where = {"destination": self._name, "path": _PATH, "interface": _FACE, "member": "Take"}
        return self.library.Message(**where, signature="ay", body=[payload], **more)

    def send(self, payload: bytes, count: int) -> None:
        async def all_of_them() -> None:
            for _ in range(count):
                await self._bus.send(self.message(payload, flags=self.library.MessageFlag.NO_REPLY_EXPECTED))

        self.run(all_of_them())

    def call(self) -> None:
        self.run(self._bus.call(self.message(TURN)))

    def serve(self) -> Answer:
        """Answers calls, and counts what wants no answer."""
        taken: asyncio.Queue[None] = asyncio.Queue()

        def take(message: Any) -> Any:
            if message.member != "Take":
                return None
            taken.put_nowait(None)
            if message.flags & self.library.MessageFlag.NO_REPLY_EXPECTED:
                return True
            return self.library.Message.new_method_return(message, "ay", [TURN])

        async def until(count: int) -> None:
            for _ in range(count):
                await taken.get()
            await asyncio.sleep(0)  # the last answer leaves

        self._bus.add_message_handler(take)
        self.run(self._bus.request_name(self._name))
        return lambda count: self.run(until(count))


def _bus_name() -> str:
    """One that nobody had: the bus may not have seen yet that its last owner is gone."""
    return f"{_FACE}.of{os.getpid()}.n{next(_NUMBERS)}"


def _bus_way(library: str, address: str) -> Way:
    name = _bus_name()

    def receiver() -> Receive:
        serve = _Bus(library, address, name).serve()
        return lambda _size, count: serve(count)

    return Way(lambda: _Bus(library, address, name).send, receiver)


def _bus_turn(library: str, address: str) -> Turn:
    name = _bus_name()
    return Turn(lambda: _Bus(library, address, name).call, lambda: _Bus(library, address, name).serve())


# --- gRPC: bytes as they are, on a socket -----------------------------------------------------------------------------


def _grpc_server(address: str) -> Answer:
    grpc: Any = importlib.import_module("grpc")
    taken = threading.Semaphore(0)

    def take(payloads: Any, _context: object) -> bytes:
        for _ in payloads:
            taken.release()
        return b""

    def call(payload: bytes, _context: object) -> bytes:
        taken.release()
        return payload

    methods = {
        "Take": grpc.stream_unary_rpc_method_handler(take),
        "Call": grpc.unary_unary_rpc_method_handler(call),
    }
    server = grpc.server(ThreadPoolExecutor(2), handlers=[grpc.method_handlers_generic_handler("bench.Ring", methods)])
    server.add_insecure_port(address)
    server.start()

    # With the server: it ends when nobody has it.
    return lambda count: (server, [taken.acquire() for _ in range(count)])


def _grpc_way(place: Path) -> Way:
    address = f"unix:{_fresh(place)}"

    def sender() -> Send:
        grpc: Any = importlib.import_module("grpc")
        take = grpc.insecure_channel(address).stream_unary("/bench.Ring/Take")
        return lambda payload, count: take(itertools.repeat(payload, count))

    def receiver() -> Receive:
        serve = _grpc_server(address)
        return lambda _size, count: serve(count)

    return Way(sender, receiver)


def _grpc_turn(place: Path) -> Turn:
    address = f"unix:{_fresh(place)}"

    def asker() -> Ask:
        grpc: Any = importlib.import_module("grpc")
        call: Callable[[bytes], bytes] = grpc.insecure_channel(address).unary_unary("/bench.Ring/Call")
        return lambda: call(TURN)

    return Turn(asker, lambda: _grpc_server(address))
