"""What an instance does from its hello on: waits for go, loads the plugin, serves one call at a time until the end.

One thread. A ping is answered between two calls, and the supervisor sends none during a call whose deadline has not
passed: a second thread would cost its stack and pluggy's callers a lock, and would go on answering for a plugin whose
own thread is stuck. Runs plugin code; reads nothing but the channel and the plugin's package.
"""

import os
import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from exosdk import hooks, wire
from exosdk.context import Context, abandon, given, guests, hear_for, mail, timers
from exosdk.entry import UnusableError, text
from exosdk.post import GoneError, Post
from exosdk.serving import Serving

if TYPE_CHECKING:
    from exosdk.mail import Mail

_MACHINE_CODE = f"{os.path.dirname(os.__file__)}/lib-dynload"
"""Of the standard library what the zygote did not load; without `native` it cannot be."""


def separate_from_siblings() -> None:
    """Children of one zygote share all random state of the modules it had imported."""
    if random := sys.modules.get("random"):
        random.seed()
    for module, name in (("tempfile", "_name_sequence"), ("uuid", "_node"), ("uuid", "_last_timestamp")):
        if module in sys.modules:
            setattr(sys.modules[module], name, None)


class Runner:
    """`code` goes on sys.path; `state` is the state directory if it exists."""

    def __init__(self, post: Post, *, manager: hooks.Manager, code: str, state: str) -> None:
        self._post = post
        self._manager = manager
        self._code = code
        self._state = state
        self._serving: Serving | None = None
        self._mail: Mail | None = None
        self._later: deque[tuple[wire.Down, tuple[int, ...]]] = deque()
        self._leave = False

    def run(self, hello: wire.Hello) -> int:
        """The exit status, once the supervisor says bye or nobody is left to serve."""
        try:
            self._post.send(hello)
            while not self._leave:
                self._turn()
        except GoneError:
            return 0
        return 0

    def _turn(self) -> None:
        """At most one frame, some messages, and at most one timer, so that none starves the others."""
        serving = self._serving
        pause = timers(serving.context).wait(serving.context.clock.monotonic()) if serving else None
        if self._later:
            self._handle(*self._later.popleft())
        elif (found := self._wait(pause)) is not None:
            self._handle(*found)
        if (links := self._mail) is not None:
            self._between(lambda _: links.turn())
        for guest in guests(serving.context) if serving else ():
            self._between(lambda _, turn=guest.turn: turn())  # type: ignore[misc]
        if self._serving is not None:
            self._run_timer(self._serving)

    def _wait(self, pause: float | None) -> tuple[wire.Down, tuple[int, ...]] | None:
        """A frame with its descriptors, or None: time is over, or a doorbell was rung."""
        parties = [*guests(self._serving.context)] if self._serving is not None else []
        for party in parties + ([self._mail] if self._mail is not None else []):
            if (rest := party.wait()) is not None:
                pause = rest if pause is None else min(pause, rest)
        readable = self._post.wait(pause)
        if self._mail is not None:
            self._mail.exchange.awake()
        frame = self._post.receive() if readable else None
        return (frame, self._descriptors(frame)) if frame is not None else None

    def _descriptors(self, frame: wire.Down) -> tuple[int, ...]:
        """Those that somebody takes; the post closes the others."""
        links = self._mail is not None and isinstance(frame, wire.Lay | wire.Join | wire.House)
        given = self._serving is not None and isinstance(frame, wire.Given)
        return self._post.take() if links or given else ()

    def _pump(self, seconds: float) -> None:
        """While the plugin waits for a message: what is said of links is heard, the rest is kept for later."""
        if (found := self._wait(seconds)) is None:
            return
        if isinstance(found[0], wire.Lay | wire.Join | wire.Part | wire.House | wire.Ping):
            self._handle(*found)
        else:
            self._later.append(found)

    def _handle(self, frame: wire.Down, descriptors: tuple[int, ...]) -> None:
        match frame:
            case wire.Call():
                self._answer(frame)
            case wire.Ping():
                self._post.send(wire.Pong(frame.number))
            case wire.Given():
                self._between(lambda context: given(context, frame, descriptors))
            case wire.Epoch():
                self._post.send(wire.Passed(frame.epoch, self._serving.state if self._serving else ""))
                self._between(abandon)
            case wire.Lay() | wire.Join() | wire.Part() | wire.House():
                self._between(lambda _: self._linked().exchange.hear(frame, descriptors))
            case wire.Route():
                self._between(lambda _: self._linked().route(frame.receiver, frame.patterns))
            case wire.Go():
                self._go(frame)
            case wire.Bye():
                self._leave = True

    def _linked(self) -> "Mail":
        """exod says nothing of links to an instance that has no mail."""
        assert self._mail is not None
        return self._mail

    def _go(self, go: wire.Go) -> None:
        """After a failure the instance stays but serves nothing: its answer has to be read before its death is seen."""
        sys.path.insert(0, self._code)
        if "native" in go.permissions:
            sys.path.append(_MACHINE_CODE)
        state = self._state if os.path.isdir(self._state) else ""
        context = Context(go, state_dir=state, send=self._post.send)
        hear_for(context, self._post.listen)
        try:
            serving = Serving(go, context=context, manager=self._manager)
        except GoneError:
            raise
        except Exception as error:
            sys.excepthook(*sys.exc_info())
            code = error.code if isinstance(error, UnusableError) else "entry-raised"
            self._post.send(wire.Failed(code, text(error)))
            return
        self._serving, self._mail = serving, mail(context)
        self._post.send(wire.Ready(wire.API_LEVEL, serving.implemented, tuple(one.name for one in go.services)))
        if self._mail is not None:
            self._mail.guard = lambda work: self._between(lambda _: work())
            self._mail.pump = self._pump
            self._mail.exchange.heard_by(self._post.listen)
            self._mail.report()

    def _answer(self, call: wire.Call) -> None:
        answer = self._guarded(lambda: self._result(call), call.id)
        if self._serving is not None:
            self._flush(self._serving)
        try:
            self._post.send(answer)
        except wire.MalformedError as error:
            self._post.send(wire.Fault(call.id, "MalformedError", text(error)))

    def _result(self, call: wire.Call) -> wire.Reply:
        serving = self._serving
        if serving is None:
            raise wire.MalformedError("no plugin is loaded")
        arguments, caller = wire.unpack(call.arguments), (call.caller, call.uid)
        if call.kind == "hook":
            value = serving.hook(call.member, arguments)
        elif call.kind == "method":
            value = serving.call(call.service, call.member, arguments, caller=caller)
        elif call.kind == "links":
            value = self._mail.exchange.counts() if self._mail is not None else [[], []]
        elif call.kind == "get":
            value = serving.get(call.service, call.member)
        else:
            serving.set(call.service, call.member, arguments[0], caller=caller)
            value = None
        return wire.Reply(call.id, wire.pack(value))

    def _guarded(self, work: Callable[[], wire.Reply], call: int) -> wire.Reply | wire.Fault:
        try:
            return work()
        except GoneError:
            raise
        except Exception as error:
            sys.excepthook(*sys.exc_info())
            return wire.Fault(call, type(error).__name__[:100], text(error))

    def _run_timer(self, serving: Serving) -> None:
        """A timer's exception ends that call of it only, and is in the log."""
        try:
            if serving.due(serving.context.clock.monotonic()):
                self._flush(serving)
        except GoneError:
            raise
        except Exception:
            sys.excepthook(*sys.exc_info())

    def _between(self, work: Callable[[Context], None]) -> None:
        """Plugin code that no call waits for: its exception is in the log."""
        if self._serving is None:
            return
        try:
            work(self._serving.context)
        except GoneError:
            raise
        except Exception:
            sys.excepthook(*sys.exc_info())
        self._flush(self._serving)

    def _flush(self, serving: Serving) -> None:
        try:
            serving.flush()
        except GoneError:
            raise
        except Exception:
            sys.excepthook(*sys.exc_info())
