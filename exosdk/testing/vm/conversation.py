"""One end of a socketpair whose other end is the guest's agent → commands run there, their output as it comes."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from exosdk.testing.vm import agent

Hear = Callable[[str], object]


class CommandFailed(Exception):
    """A command in the guest ended with another code than 0. `result` has what it said."""

    def __init__(self, command: str, result: "Result") -> None:
        tail = (result.err or result.out).strip()[-2_000:]
        super().__init__(f"exit {result.code}: {command}\n{tail}")
        self.result = result


class GuestGone(Exception):
    """The machine ended while something was waited for."""


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended; a signal's number is negative."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode(errors="replace")


@dataclass
class Running:
    """A command that may still run in the guest."""

    number: int
    command: str
    conversation: "Conversation"
    quiet: bool = False
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    ended: "dict[str, Any] | None" = None

    def wait(self, *, timeout: float = 240.0, check: bool = True) -> Result:
        """Raises CommandFailed unless `check` is off; TimeoutError, after it was killed, when it takes longer."""
        try:
            self.conversation.hear_until(lambda: self.ended is not None, timeout, self.command)
        except TimeoutError:
            self.kill()
            raise
        assert self.ended is not None
        if "failed" in self.ended:
            raise RuntimeError(f"cannot run {self.command}: {self.ended['failed']}")
        result = Result(self.ended["code"], bytes(self.out), self.err.decode(errors="replace"))
        if check and result.code != 0:
            raise CommandFailed(self.command, result)
        return result

    def await_output(self, text: str, *, timeout: float = 240.0) -> None:
        """Returns once `text` stands in its output. Raises RuntimeError when it ended without it."""
        self.await_that(lambda said: text in said, repr(text), timeout=timeout)

    def await_that(self, happened: Callable[[str], bool], what: str, *, timeout: float = 240.0) -> None:
        """Returns once `happened` is true of all that was said so far. Raises RuntimeError when it ended before."""

        def now() -> bool:
            return happened(self.out.decode(errors="replace") + self.err.decode(errors="replace"))

        self.conversation.hear_until(lambda: now() or self.ended is not None, timeout, f"{what} from {self.command}")
        if not now():
            last = bytes(self.err or self.out)[-500:]
            raise RuntimeError(f"{self.command} ended ({self.ended}) without saying {what}: {last!r}")

    def kill(self) -> None:
        """SIGKILL to it and its children."""
        self.conversation.send(agent.frame(b"k", self.number))


class Conversation:
    """Many commands at once over one port. `hear` gets every line of output as it comes."""

    def __init__(self, end: socket.socket, *, hear: Hear = sys.stdout.write) -> None:
        self._end = end
        self._hear = hear
        self._held = bytearray()
        self._running: dict[int, Running] = {}
        self._last = 0

    def greet(self, *, wall: bool, deadline: float) -> None:
        """Returns when the agent answers. `wall` sets the guest's clock and stirs its random numbers."""
        salt = os.urandom(32)
        payload = (time.time_ns() if wall else 0).to_bytes(8, "big") + salt
        answer = agent.greeting(payload)
        self.send(agent.frame(b"h", 0, payload))
        until = time.monotonic() + deadline
        while answer not in self._held:
            self._receive(until, "the guest's agent")
        del self._held[: self._held.index(answer) + len(answer)]

    def start(self, argv: Sequence[str], *, input: bytes = b"", quiet: bool = False, **how: Any) -> Running:
        """`how`: user, env, cwd. `quiet`: its output is kept but not heard."""
        self._last += 1
        running = Running(self._last, " ".join(argv), self, quiet)
        self._running[running.number] = running
        request = json.dumps({"argv": list(argv), **how}).encode() + b"\0" + input
        self.send(agent.frame(b"r", running.number, request))
        return running

    def send(self, data: bytes) -> None:
        self._end.settimeout(240.0)
        try:
            self._end.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise GuestGone("the machine ended") from error

    def hear_until(self, happened: Callable[[], bool], timeout: float, what: str) -> None:
        until = time.monotonic() + timeout
        while not happened():
            while len(self._held) < agent.HEAD.size or len(self._held) < agent.HEAD.size + self._length():
                self._receive(until, what)
            self._take()

    def _length(self) -> int:
        return int(agent.HEAD.unpack_from(self._held)[2])

    def _take(self) -> None:
        kind, number, length = agent.HEAD.unpack_from(self._held)
        payload = bytes(self._held[agent.HEAD.size : agent.HEAD.size + length])
        del self._held[: agent.HEAD.size + length]
        running = self._running.get(number)
        if running is None:
            return
        if kind == b"x":
            running.ended = json.loads(payload)
            del self._running[number]
            return
        (running.out if kind == b"o" else running.err).extend(payload)
        if not running.quiet:
            self._hear(payload.decode(errors="replace"))

    def _receive(self, until: float, what: str) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"waited in vain for {what}")
        self._end.settimeout(left)
        try:
            more = self._end.recv(262_144)
        except TimeoutError:
            return
        except ConnectionResetError:
            more = b""
        if not more:
            raise GuestGone(f"the machine ended while {what} was waited for")
        self._held += more

    def close(self) -> None:
        self._end.close()
