"""A call to a plugin's service over D-Bus, beside the same service in an ordinary process, and the bus alone."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import peer_service
from bench.rows import Row, at_most, median, percentile
from bench.target import Target
from exoctl.bus import DRIVER, DRIVER_PATH, Connection
from exoctl.codec import MessageType
from exod.names import BUS_NAME, service_path

IN_FLIGHT = 16


@contextmanager
def private_bus(directory: Path) -> Iterator[str]:
    """The address of a bus that nobody else is on."""
    address = f"unix:path={directory}/peer-bus"
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as bus:
        assert bus.stdout is not None
        bus.stdout.readline()
        try:
            yield address
        finally:
            bus.terminate()


@contextmanager
def peer_bus(directory: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A bus of its own with the peer on it: the address, and the peer's process."""
    with private_bus(directory) as address, start_peer(address) as peer:
        try:
            yield address, peer
        finally:
            peer.communicate()


def start_peer(address: str, *, name: str = peer_service.NAME) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-m", "bench.peer_service", address, name]
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert peer.stdout is not None
    if peer.stdout.read(1) != b"R":
        raise RuntimeError("the peer service did not start")
    return peer


def calls(target: Target, name: str, *, peer: Connection, rounds: int) -> list[Row]:
    """`name` is a running plugin with the service `bench`."""
    ours: list[float] = []
    theirs: list[float] = []
    bus: list[float] = []
    for number in range(rounds + rounds // 10):
        text = f"message {number:08}"
        figures = target.call(name, text), _peer_call(peer, text), _bus_alone(target.bus)
        if number >= rounds // 10:  # the first tenth warms every side up
            for samples, figure in zip((ours, theirs, bus), figures, strict=True):
                samples.append(figure)
    name_, floor = "dbus-next service, plain process", median(bus)
    flight = in_flight(target, name, count=max(IN_FLIGHT, rounds // IN_FLIGHT * IN_FLIGHT))
    return [
        Row("service-call.p50", median(ours), "ms", median(theirs), name_, floor, at_most(0.5)),
        Row("service-call.p99", percentile(ours, 0.99), "ms", percentile(theirs, 0.99), name_, percentile(bus, 0.99)),
        Row("service-call.in-flight", flight * 1e3, "us", None, None, floor * 1e3),
    ]


def _peer_call(peer: Connection, text: str) -> float:
    began = time.perf_counter()
    peer.call(peer_service.PATH, "org.exoos.Bench1", "Echo", "s", [text], destination=peer_service.NAME)
    return (time.perf_counter() - began) * 1e3


def _bus_alone(bus: Connection) -> float:
    """The same client's call answered by dbus-daemon itself: one hop and one process less than any service."""
    began = time.perf_counter()
    bus.call(DRIVER_PATH, DRIVER, "GetId", destination=DRIVER)
    return (time.perf_counter() - began) * 1e3


def in_flight(target: Target, name: str, *, count: int) -> float:
    """Milliseconds a message when calls do not wait for each other: one client, many answers outstanding."""
    burst = Burst(target.bus.address)
    began = time.perf_counter()
    burst.echo(name, count)
    took = time.perf_counter() - began
    burst.close()
    return took * 1e3 / count


class Burst(Connection):
    """A client that has up to `IN_FLIGHT` calls under way."""

    def echo(self, name: str, count: int) -> None:
        sent = answered = 0
        while answered < count:
            while sent < count and sent - answered < IN_FLIGHT:
                path = service_path(name, "bench")
                self._send(path, "org.exoos.Bench1", "Echo", "s", [f"message {sent:08}"], destination=BUS_NAME)
                sent += 1
            message = self._receive(time.monotonic() + 5.0, waiting_for="an answer")
            if message.message_type is MessageType.ERROR:
                raise RuntimeError(f"{name} answered {message.error_name}: {message.body}")
            answered += message.message_type is MessageType.METHOD_RETURN
