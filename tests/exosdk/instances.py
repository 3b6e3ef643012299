"""Instances without walls: the runner in a thread, over a socket pair; and a peer that says whatever a test wants."""

import asyncio
import contextlib
import itertools
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from exod.package.limits import Limits
from exod.package.options import Value
from exod.package.services import Method, Property, Service, Signal
from exod.plan.confine import Confinement
from exod.supervisor.ports import Want
from exosdk import hooks, wire
from exosdk.post import Post
from exosdk.runner import Runner

NONCE = bytes(range(16))
HELLO = wire.Hello(1, NONCE, wire.OLDEST_PROTOCOL, wire.PROTOCOL, {"Seccomp": "2"})

GREETER = Service(
    "greeter",
    "org.example.Greeter1",
    methods=(Method("Greet", "s", "s"), Method("Nothing"), Method("Pair", "ii", "ii"), Method("Fail", "s")),
    signals=(Signal("Greeted", "s"),),
    properties=(Property("Count", "u"), Property("Tone", "s", "readwrite")),
)
"""Served by `greeter_plugin.py` beside this file."""


def confinement(
    *,
    entry: str = "greeter_plugin:Greeter",
    services: tuple[Service, ...] = (GREETER,),
    config: Mapping[str, Value] | None = None,
    limits: Limits | None = None,
) -> Confinement:
    return Confinement(
        plugin="greeter",
        version="1.0.0",
        type="custom",
        digest="0" * 64,
        signer="1" * 64,
        level="trusted",
        entry=entry,
        files=(),
        limits=limits or Limits(),
        services=services,
        config=config or {"word": "hello"},
        permissions={},
    )


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Instance:
    """A runner in a thread. `end` is the supervisor's; the runner's own end closes with it."""

    def __init__(self, *, code: Path, state: Path) -> None:
        self.end, theirs = pair()
        self.status: int | None = None
        self._post = Post(theirs.detach())
        self._runner = Runner(self._post, manager=hooks.manager(), code=str(code), state=str(state))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.status = self._runner.run(HELLO)
        except SystemExit as leaving:
            self.status = int(leaving.code or 0)
        finally:
            self._post.close()

    def join(self) -> int | None:
        """Its exit status, once it has left."""
        self._thread.join(10)
        return self.status


class Peer:
    """The instance's end in the hands of a test: frames or any bytes."""

    def __init__(self) -> None:
        self.end, self.socket = pair()
        self.socket.settimeout(5)

    def say(self, frame: Any) -> None:
        self.socket.send(frame if isinstance(frame, bytes) else wire.encode(frame))

    def hear(self) -> wire.Down:
        return wire.decode_down(self.socket.recv(wire.MAX_FRAME))

    def close(self) -> None:
        self.socket.close()


class Heard:
    """A Listener that remembers."""

    def __init__(self) -> None:
        self.signals: list[tuple[str, str, list[Any]]] = []
        self.properties: list[tuple[str, dict[str, Any]]] = []
        self.wants: list[Want] = []
        self.strikes: list[str] = []
        self.illnesses: list[str] = []

    def emitted(self, service: str, signal: str, arguments: Any) -> None:
        self.signals.append((service, signal, arguments))

    def changed(self, service: str, properties: Any) -> None:
        self.properties.append((service, dict(properties)))

    def wanted(self, want: Want) -> None:
        self.wants.append(want)

    def struck(self, reason: str) -> None:
        self.strikes.append(reason)

    def unhealthy(self, reason: str) -> None:
        self.illnesses.append(reason)


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop turn until something has happened; five seconds are never."""
    async with asyncio.timeout(5):
        for _ in itertools.count():
            if condition():
                return
            await asyncio.sleep(0)


@contextlib.contextmanager
def fresh_imports(*modules: str) -> Iterator[None]:
    """A plugin's modules are imported anew and forgotten afterwards, and sys.path is as before."""
    path = list(sys.path)
    for name in modules:
        sys.modules.pop(name, None)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in modules:
            sys.modules.pop(name, None)
