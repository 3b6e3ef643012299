"""The messages of US-004, for a plugin: send, request, receive, broadcast, publish and subscribe, over its links.

A plugin's functions are called between two of its calls, never within one; what they raise is in the log. A request has
one answer: the other's, its refusal, that its time is over, or `instance-lost`.
"""

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

from exosdk import topics
from exosdk.exchange import LOST, Exchange
from exosdk.links import DROP_OLDEST, ERROR, FULL, In, LinkError, Out
from exosdk.message import (
    DATA_RESPONSE,
    PRIORITIES,
    RESERVED,
    TYPES,
    Envelope,
    Kind,
    Message,
    lent_from,
    unpack,
)
from exosdk.publishing import Publisher
from exosdk.signature import MalformedError

Then = Callable[[Any, str], Any]
"""Called with the answer and "", or with None and the reason there is none."""
REQUESTS_MAX = 4096
INBOX_MAX = 256
_STOPPED = "stopped: the plugin was stopped"


class _Request:
    __slots__ = ("out", "then")

    def __init__(self, out: Out, then: Then) -> None:
        self.out, self.then = out, then


class Mail:
    """One of an instance. `guard` runs a function of the plugin's; `on_message` is its hook, if it has one.

    `on_call` answers a call of one of its services: link, bytes → bytes.
    """

    def __init__(
        self,
        plugin: str,
        *,
        ask: Callable[[str, str, Any, Then], None],
        tell: Callable[[str, str, Any], None],
        clock: Any,
        patience: float,
        note: Callable[[str], None],
    ) -> None:
        self._plugin, self._ask, self._tell, self._clock, self._note = plugin, ask, tell, clock, note
        self._patience = patience
        how = {"monotonic": clock.monotonic, "patience": patience}
        self.exchange = Exchange(ask=ask, tell=tell, deliver=self._deliver, over=self._over, **how)
        self.guard: Callable[[Callable[[], Any]], None] = lambda work: work()
        self.on_message: Callable[[Message], Any] | None = None
        self.on_call: Callable[[In, Any], bytes] | None = None
        self.on_lost: Callable[[str, int], None] = lambda _peer, _unread: None
        self.pump: Callable[[float], None] = lambda _seconds: None
        self._numbers = 0
        self._requests: dict[int, _Request] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._subscriptions: list[tuple[str, Callable[[Message], Any]]] = []
        self._publisher = Publisher(
            plugin, ask=lambda kind, then: ask(kind, "", None, then), send=self._published, note=note
        )
        self._lives = 0
        self._inbox: deque[tuple[In, Envelope, Message]] = deque()
        self._pulling = False
        self._offset = clock.time() - clock.monotonic()

    # --- for the plugin -----------------------------------------------------------------------------------------

    def link(self, to: str, *, priority: str, full: str, slots: int, arena: int) -> None:
        if priority not in PRIORITIES or full not in FULL:
            raise ValueError(f"cannot link with {to}: priorities are {PRIORITIES}, what to do when it is full {FULL}")
        self.exchange.out(to, priority, full=full, slots=slots, arena=arena).full = full

    def send(self, to: str, data: Any, *, type_: int, priority: str, seconds: float | None) -> int:
        return self._send(to, Kind.MESSAGE, data, type_=type_, priority=priority, seconds=seconds)

    def request(
        self,
        to: str,
        data: Any,
        then: Then,
        *,
        type_: int,
        priority: str,
        seconds: float | None,
        kind: Kind = Kind.REQUEST,
    ) -> int:
        if len(self._requests) >= REQUESTS_MAX:
            raise LinkError(f"cannot ask {to}: {REQUESTS_MAX} requests are open already")
        seconds = self._patience if seconds is None else seconds
        number = self._send(to, kind, data, type_=type_, priority=priority, seconds=seconds, then=then)
        heapq.heappush(self._deadlines, (self._clock.monotonic() + seconds, number))
        return number

    def publish(self, topic: str, data: Any, *, type_: int, priority: str) -> int:
        _check(type_, priority)
        return self._publisher.publish(topic, _flat(data), type_=type_, priority=priority)

    def subscribe(self, what: str | int, function: Callable[[Message], Any]) -> None:
        pattern = f"#{what}" if isinstance(what, int) else what
        topics.check_pattern(pattern)
        self._subscriptions.append((pattern, function))
        self._ask("subscribe", pattern, None, lambda _, refused: self._note(refused) if refused else None)

    def broadcast(self, plugin_type: str, data: Any, then: Then | None, *, type_: int, priority: str) -> None:
        _check(type_, priority)
        kept = bytes(_flat(data))
        life = self._lives

        def found(names: Any, refused: str) -> None:
            if life != self._lives:
                names, refused = None, _STOPPED
            sent = [name for name in names or () if self._sent(name, kept, type_=type_, priority=priority)]
            if then is not None:
                then(sent if not refused else None, refused)

        self._ask("members", plugin_type, None, found)

    def _sent(self, to: str, data: bytes, *, type_: int, priority: str) -> bool:
        try:
            self.send(to, data, type_=type_, priority=priority, seconds=None)
        except LinkError as error:
            self._note(str(error))
            return False
        return True

    def receive(self, seconds: float) -> Message | None:
        """What no hook took, waited for."""
        until = self._clock.monotonic() + seconds
        while not self._inbox:
            pulled, self._pulling = self._pulling, True
            try:
                found = self.exchange.turn()
                self._expire()
            finally:
                self._pulling = pulled
            left = until - self._clock.monotonic()
            if self._inbox or left <= 0:
                break
            if not found:
                self.pump(left)
        return self._inbox.popleft()[2] if self._inbox else None

    # --- on the way out -----------------------------------------------------------------------------------------

    def _send(
        self,
        to: str,
        kind: Kind,
        data: Any,
        *,
        type_: int,
        priority: str,
        seconds: float | None = None,
        answers: int = 0,
        topic: str = "",
        full: str = ERROR,
        only: int = 0,
        then: Then | None = None,
    ) -> int:
        _check(type_, priority)
        data = _flat(data)
        out = self.exchange.out(to, priority, full=full)
        number = self._numbers = self._numbers % 0xFFFFFFFF + 1
        patience = 0 if seconds is None else max(1, min(int(seconds * 1000), 0xFFFFFFFF))
        now = int(self._clock.monotonic() * 1e9)
        head = Envelope(number, kind, now, answers=answers, patience=patience, topic=topic).pack()
        if then is not None:
            self._requests[number] = _Request(out, then)
        try:
            dropped = self.exchange.put(out, number, type_, head, data, only=only)
        except BaseException:
            self._requests.pop(number, None)
            raise
        self._fail(dropped, f"cannot send to {to}: newer messages took its place")
        return number

    def _published(self, to: str, topic: str, data: Any, type_: int, priority: str) -> None:
        self._send(to, Kind.TOPIC, data, type_=type_, priority=priority, topic=topic, full=DROP_OLDEST)

    def route(self, receiver: str, patterns: tuple[str, ...]) -> None:
        self._publisher.route(receiver, patterns)

    # --- on the way in ------------------------------------------------------------------------------------------

    def _deliver(self, link: In, type_: int, payload: Any) -> None:
        view = payload if isinstance(payload, bytes) else memoryview(payload).toreadonly()
        try:
            envelope, start = unpack(view)
        except MalformedError:
            link.dropped += 1
            return
        now = int(self._clock.monotonic() * 1e9)
        if type_ < len(RESERVED) or type_ >= len(TYPES) or (envelope.late_at and envelope.late_at < now):
            link.dropped += 1
            return
        link.noted(now - envelope.sent)
        data = view[start if isinstance(payload, bytes) else lent_from(start) :]
        if envelope.kind in (Kind.REPLY, Kind.FAULT):
            self._answered(link, envelope, data)
        elif not topics.is_topic(envelope.topic) if envelope.kind == Kind.TOPIC else envelope.topic:
            link.dropped += 1
        elif envelope.kind == Kind.CALL:
            self.guard(lambda: self._call(link, envelope, data))
        else:
            self._arrived(link, type_, envelope, data)

    def _arrived(self, link: In, type_: int, envelope: Envelope, data: Any) -> None:
        asked = envelope.kind == Kind.REQUEST
        message = Message(
            envelope,
            data,
            sender=link.peer,
            receiver=self._plugin,
            type=type_,
            priority=link.priority,
            wall=self._offset,
            answer=(lambda answer: self._answer(link, envelope, Kind.REPLY, answer)) if asked else None,
        )
        if message.topic:
            self._spread(message)
        elif self.on_message is None or self._pulling:
            self._keep(link, envelope, message)
        else:
            self.guard(lambda: self._handle(link, envelope, message))

    def _spread(self, message: Message) -> None:
        """To each function once, however many of its patterns select it."""
        chosen: list[Callable[[Message], Any]] = []
        for pattern, function in self._subscriptions:
            if function not in chosen and topics.matches((pattern,), message.topic, type_=message.type):
                chosen.append(function)
        for function in chosen:
            self.guard(lambda function=function: function(message))  # type: ignore[misc]

    def _keep(self, link: In, envelope: Envelope, message: Message) -> None:
        if len(self._inbox) < INBOX_MAX:
            self._inbox.append((link, envelope, message))
        else:
            link.dropped += 1

    def _handle(self, link: In, envelope: Envelope, message: Message) -> None:
        assert self.on_message is not None
        try:
            answer = self.on_message(message)
            if answer is not None and message.wants_answer:
                message.reply(answer)
        except Exception as error:
            if message.wants_answer:
                self._answer(link, envelope, Kind.FAULT, f"{type(error).__name__}: {error}"[:300].encode())
            raise

    def _call(self, link: In, envelope: Envelope, data: Any) -> None:
        if self.on_call is None:
            self._answer(link, envelope, Kind.FAULT, b"it has no services")
            return
        try:
            answer = self.on_call(link, data)
        except Exception as error:
            self._answer(link, envelope, Kind.FAULT, f"{type(error).__name__}: {error}"[:300].encode())
            if isinstance(error, MalformedError | PermissionError):
                return  # the caller's fault: it shall not fill our log
            raise
        self._answer(link, envelope, Kind.REPLY, answer)

    def _answer(self, link: In, envelope: Envelope, kind: Kind, data: Any) -> None:
        """An answer that nobody can be given is dropped: its time will be over, or its asker is. Of one that cannot be
        sent its asker is told. It is for the instance that asked: the next one counts its requests anew.
        """
        if link.lost:
            return
        number, priority, only = envelope.number, link.priority, link.instance
        try:
            self._send(link.peer, kind, data, type_=DATA_RESPONSE, priority=priority, answers=number, only=only)
        except LinkError as error:
            self._note(str(error))
            if kind is Kind.REPLY:
                self._answer(link, envelope, Kind.FAULT, str(error)[:300].encode())

    def _answered(self, link: In, envelope: Envelope, data: Any) -> None:
        asked = self._requests.get(envelope.answers)
        if asked is None or (asked.out.peer, asked.out.instance) != (link.peer, link.instance):
            link.dropped += 1
            return
        del self._requests[envelope.answers]
        if envelope.kind == Kind.FAULT:
            self.guard(lambda: asked.then(None, bytes(data).decode("utf-8", "replace")))
        else:
            self.guard(lambda: asked.then(data, ""))

    # --- time, and the end --------------------------------------------------------------------------------------

    def wait(self) -> float | None:
        """Seconds until there is something to do at the latest."""
        pause = 0.0 if self._inbox and self.on_message is not None else self.exchange.wait()
        if not self._deadlines:
            return pause
        left: float = max(0.0, self._deadlines[0][0] - self._clock.monotonic())
        return left if pause is None else min(left, pause)

    def turn(self) -> None:
        while self._inbox and self.on_message is not None and self.exchange.running:  # left by `receive`
            kept = self._inbox.popleft()
            self.guard(lambda kept=kept: self._handle(*kept))  # type: ignore[misc]
        self.exchange.turn()
        self._expire()

    def _expire(self) -> None:
        now = self._clock.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            self._fail([heapq.heappop(self._deadlines)[1]], "request-timeout: no answer came in time")
        if len(self._deadlines) > 2 * len(self._requests) + 64:  # of those that were answered
            self._deadlines = [one for one in self._deadlines if one[1] in self._requests]
            heapq.heapify(self._deadlines)

    def _over(self, out: Out | None) -> None:
        """A link is gone: what it never carried has failed; what it carried fails once nothing of the peer is left."""
        if out is not None:
            self._unsent(out)
            if out.gone == LOST:
                self.guard(lambda: self.on_lost(out.peer, out.unread))
        for number, one in tuple(self._requests.items()):
            if one.out.gone and not self.exchange.hears(one.out.instance):
                self._fail([number], f"{one.out.gone}: {one.out.peer} is gone")

    def _unsent(self, out: Out) -> None:
        never, out.never = out.never, []
        if never:
            reason = out.gone or f"too-large for an arena of {out.arena} bytes"
            self._note(f"{len(never)} messages were not sent to {out.peer}: {reason}")
            self._fail(never, f"{reason}: {out.peer} was never sent it")

    def _fail(self, numbers: list[int], refused: str) -> None:
        for number in numbers:
            if (asked := self._requests.pop(number, None)) is not None:
                self.guard(lambda then=asked.then: then(None, refused))  # type: ignore[misc]

    def stop(self) -> None:
        """The plugin was: it subscribes to nothing, and nobody reaches it."""
        self.exchange.closing = True
        try:
            self._fail(list(self._requests), _STOPPED)
            self.exchange.close("stopped")
        finally:
            self.exchange.closing = False
        self._deadlines.clear()
        self._subscriptions.clear()
        self._inbox.clear()
        self._publisher.clear()
        self._lives += 1
        self._tell("leave", "", None)

    def restarted(self) -> None:
        """There is another exod."""
        self.exchange.forget()
        self.report()

    def report(self) -> None:
        """To an exod that knows nothing of it: what there is, and what is wanted."""
        self._tell("held", "", self.exchange.claims())
        for pattern in dict.fromkeys(pattern for pattern, _ in self._subscriptions):
            self._tell("subscribe", pattern, None)
        self._publisher.again()


def _check(type_: int, priority: str) -> None:
    if priority not in PRIORITIES:
        raise ValueError(f"cannot send: there is no priority {priority!r}, but {', '.join(PRIORITIES)}")
    if not len(RESERVED) <= type_ < len(TYPES):
        raise ValueError(f"cannot send: messages of type {type_} are the supervisor's, or nobody's")


def _flat(data: Any) -> Any:
    """Bytes, or a view of them: what is counted, sent and copied is bytes, whatever the items of an array are."""
    if isinstance(data, bytes):
        return data
    view = memoryview(data)
    return view.cast("B") if view.nbytes else b""
