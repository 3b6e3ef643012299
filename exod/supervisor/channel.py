"""The supervisor's end of the channel: questions to one instance with deadlines, and what the instance says unasked.

Turns method calls into frames and frames into results, `Refused`, or words to the Listener. Refuses answers to
questions never asked, undeclared signals and properties, and whatever does not decode; may use the running loop only.

An instance serves one question at a time, so one is sent at a time and the rest wait here, where a deadline can still
withdraw them. A question past its deadline is answered `call-timeout` at once, and the next is sent when the instance
has finished with it. Health rests on pings alone: a caller's slow question costs that caller, not the plugin.
"""

import asyncio
import hmac
import itertools
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any

from exod.errors import Outcome, Refusal, Refused
from exod.plan.confine import Confinement
from exod.supervisor.channel_end import End, ViolationError
from exod.supervisor.channel_go import common_protocol, failed, faulted, go_frame, lost, timed_out
from exod.supervisor.channel_question import Question
from exod.supervisor.ports import Caller, Listener, Ready, Want, Wanted
from exosdk import wire

PING_SECONDS = 3.0
MISSES = 3
STRIKES = 16
"""Well-formed lies that end a channel; each alone is an error to nobody but the plugin."""
QUEUE = 64
UNASKED = 1_000
"""Of what nobody asked for, so many a second are read of one instance, whatever its rate: no more is passed on, and a
flood of what is refused has to stay cheap."""
_EXOD = Caller("exod", 0)


class Channel:
    """Implements `ports.Channel`: a birth is `hello` and `go`, an instance that was there before us is `adopt`."""

    def __init__(self, end: socket.socket, listener: Listener, *, ping: float = PING_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._milestones: dict[type, asyncio.Future[Any]] = {}
        self._early: dict[type, Any] = {}
        self._declared: dict[str, wire.Service] = {}
        self._asked: Question | None = None
        self._queue: deque[Question] = deque()
        self._ids = itertools.count(1)
        self._barrier: Question | None = None
        self._gone = ""
        self._paused = False
        self._strikes = self._protocol = 0
        self._rate = self._budget = 10_000
        self._interval = ping
        self._pinged = self._ponged = self._missed = 0
        self._ticker: asyncio.TimerHandle | None = None
        self._refill: asyncio.TimerHandle | None = None
        self._end = End(end, self._readable)

    # --- birth -------------------------------------------------------------------------------------------------

    async def hello(self, *, nonce: bytes, deadline: float) -> Mapping[str, str]:
        hello: wire.Hello = await self._milestone(wire.Hello, "greet the instance", deadline=deadline)
        if not hmac.compare_digest(hello.nonce, nonce):
            raise Refused(_broken("wrong-nonce", "cannot greet the instance: it does not know its birth nonce"))
        protocol = common_protocol(hello)
        if protocol is None:
            spoken = f"{hello.oldest} to {hello.newest}, not {wire.OLDEST_PROTOCOL} to {wire.PROTOCOL}"
            raise Refused(_broken("protocol-mismatch", f"cannot greet the instance: it speaks protocols {spoken}"))
        self._protocol = protocol
        return hello.walls

    async def go(self, confinement: Confinement, *, deadline: float) -> Ready:
        frame = self._allow(confinement)
        self._send(frame, action=f"load {confinement.plugin}")
        answer = await self._milestone(wire.Ready, f"load {confinement.plugin}", deadline=deadline)
        if isinstance(answer, wire.Failed):
            raise Refused(failed(answer, plugin=confinement.plugin))
        self._watch()
        return Ready(answer.api, answer.hooks, answer.services)

    def adopt(self, confinement: Confinement, *, epoch: int) -> None:
        """Until the instance echoes `epoch`, a number no exod before us used, it speaks to one that is gone: unheard.

        It may be at work on that one's last call, so the echo has a call's time; our questions wait behind it.
        """
        self._protocol = wire.PROTOCOL
        self._allow(confinement)
        self._ids = itertools.count((epoch << 32) + 1)
        barrier = wire.encode(wire.Epoch(epoch))
        self._barrier = Question(
            epoch, "take it over", barrier, uid=0, deadline=confinement.limits.call_time, on_late=self._late
        )
        self._barrier.answer.add_done_callback(_notice)
        self._queue.append(self._barrier)
        self._next()
        self._watch()

    async def passed(self) -> str:
        """The state of the plugin as the adopted instance has it, once it has echoed."""
        assert self._barrier is not None
        return str(self._value(await asyncio.shield(self._barrier.answer), self._barrier))

    def _allow(self, confinement: Confinement) -> wire.Go:
        """What the instance may say, and how much of it."""
        self._rate = self._budget = max(1, confinement.limits.messages)
        frame = go_frame(confinement, protocol=self._protocol)
        self._declared = {service.name: service for service in frame.services}
        return frame

    async def _milestone(self, kind: type, action: str, *, deadline: float) -> Any:
        if kind in self._early:
            return self._early.pop(kind)
        if self._gone:
            raise Refused(lost(action, reason=self._gone))
        self._milestones[kind] = future = self._loop.create_future()
        try:
            async with asyncio.timeout(deadline):
                return await future
        except TimeoutError:
            raise Refused(timed_out(action, deadline=deadline)) from None
        except ConnectionError:
            raise Refused(lost(action, reason=self._gone)) from None
        finally:
            self._milestones.pop(kind, None)

    def _reached(self, kind: type, frame: wire.Up) -> None:
        """Each milestone comes once, asked for or a moment early (hello); a second one is a lie."""
        future = self._milestones.get(kind)
        if future is not None and not future.done():
            future.set_result(frame)
        elif kind is wire.Hello and kind not in self._early and not self._protocol:
            self._early[kind] = frame
        else:
            self._strike(f"it sent {kind.__name__.lower()} when nobody asked")

    # --- questions ---------------------------------------------------------------------------------------------

    async def hook(self, name: str, arguments: Mapping[str, Any], *, deadline: float) -> Any:
        """Ahead of callers' questions: a plugin can be stopped however many callers wait for it."""
        return await self._ask("hook", "", name, dict(arguments), _EXOD, deadline)

    async def ask(self, wanted: Wanted, caller: Caller, *, deadline: float) -> Any:
        kind, service, member = wanted.kind, wanted.service, wanted.member
        result = await self._ask(kind, service, member, list(wanted.arguments), caller, deadline)
        if kind == "method" and not isinstance(result, list):
            self._strike(f"its answer to {member} is no list of results")
            raise Refused(_broken("bad-reply", f"cannot call {service}.{member}: the answer is no list of results"))
        return result

    async def _ask(self, kind: str, service: str, member: str, arguments: Any, caller: Caller, deadline: float) -> Any:
        action = f"run {member}" if kind == "hook" else f"{'call' if kind == 'method' else kind} {service}.{member}"
        self._check_open(action)
        if kind != "hook":
            self._check_room(action, caller.uid)
        number = next(self._ids)
        try:
            call = wire.Call(
                number, kind, service, member, wire.pack(arguments), caller.name, caller.uid, float(deadline)
            )
            data = wire.encode(call)
        except wire.MalformedError as error:
            raise Refused(Refusal("call-too-large", f"cannot {action}: {error}", "", {}, Outcome.USAGE)) from None
        question = Question(number, action, data, uid=caller.uid, deadline=deadline, on_late=self._late)
        self._queue.appendleft(question) if kind == "hook" else self._queue.append(question)
        self._next()
        try:
            return self._value(await question.answer, question)
        finally:
            self._withdraw(question)

    def _check_open(self, action: str) -> None:
        if self._gone:
            raise Refused(lost(action, reason=self._gone))
        if self._paused:
            sentence = f"cannot {action}: the plugin is suspended"
            raise Refused(Refusal("plugin-suspended", sentence, "", {}, Outcome.FAILED))

    def _check_room(self, action: str, uid: int) -> None:
        """Hooks need none; among callers, one uid's never fill the queue for the others."""
        if sum(question.uid == uid for question in self._queue) >= QUEUE:
            sentence = f"cannot {action}: {QUEUE} calls are waiting for the plugin already"
            raise Refused(Refusal("plugin-busy", sentence, "try again later", {}, Outcome.FAILED))

    def _value(self, answer: wire.Reply | wire.Fault, question: Question) -> Any:
        if isinstance(answer, wire.Fault):
            raise Refused(faulted(question.action, answer))
        try:
            return wire.unpack(answer.value)
        except wire.MalformedError as error:
            self._strike(f"its answer cannot be read: {error}")
            raise Refused(_broken("bad-reply", f"cannot {question.action}: the answer cannot be read")) from None

    def _late(self, question: Question) -> None:
        """Its deadline passed. One that was never sent is dropped; one in the plugin stays the plugin's question."""
        waiting = question in self._queue
        if waiting:
            self._queue.remove(question)
        question.refuse(timed_out(question.action, deadline=question.deadline, sent=not waiting))

    def _withdraw(self, question: Question) -> None:
        """The caller is no longer interested. What the plugin already works on keeps its time to do so."""
        if question in self._queue:
            self._queue.remove(question)
            question.disarm()

    def _next(self) -> None:
        while self._asked is None and self._queue and not self._gone:
            self._asked = self._queue.popleft()
            self._send(self._asked.data, action=self._asked.action)

    def _answered(self, answer: wire.Reply | wire.Fault) -> None:
        if self._asked is None or answer.id != self._asked.id:
            self._strike(f"it answered question {answer.id}, which was not asked")
            return
        question, self._asked = self._asked, None
        question.settle(answer)
        self._next()

    def _send(self, frame: wire.Down | bytes, *, action: str) -> None:
        if self._gone:
            raise Refused(lost(action, reason=self._gone))
        try:
            data = frame if isinstance(frame, bytes) else wire.encode(frame)
        except wire.MalformedError as error:
            raise Refused(Refusal("call-too-large", f"cannot {action}: {error}", "", {}, Outcome.USAGE)) from None
        self._end.send(data)

    # --- what comes in -----------------------------------------------------------------------------------------

    def _readable(self) -> None:
        try:
            while (data := self._end.receive()) is not None:
                if not data:
                    self._lose("its end of the channel is closed")
                    return
                self._handle(wire.decode_up(data), size=len(data))
        except (ViolationError, wire.MalformedError) as error:
            self._break(str(error))

    def _handle(self, frame: wire.Up, *, size: int) -> None:
        # What nobody asked for costs by its size: taking 64 KiB of small values apart takes 20 ms.
        unasked = isinstance(frame, wire.Emit | wire.Changed | wire.Want)
        self._spend(max(1, self._rate // UNASKED) + size // 64 if unasked else 1)
        if self._barrier is not None and self._asked is self._barrier:
            if isinstance(frame, wire.Passed) and frame.epoch == self._barrier.id:
                self._answered(wire.Reply(frame.epoch, wire.pack(frame.state)))
            return
        match frame:
            case wire.Reply() | wire.Fault():
                self._answered(frame)
            case wire.Pong():
                self._pong(frame.number)
            case wire.Emit():
                self._emitted(frame)
            case wire.Changed():
                self._changed(frame)
            case wire.Want():
                self._listener.wanted(Want(frame.id, frame.kind, frame.key, wire.unpack(frame.value)))
            case wire.Failed():
                self._reached(wire.Ready, frame)
            case wire.Passed():
                self._strike("it passed a barrier that nobody set")
            case wire.Hello() | wire.Ready():
                self._reached(type(frame), frame)

    def _emitted(self, frame: wire.Emit) -> None:
        service = self._declared.get(frame.service)
        if service is None or frame.signal not in {one.name for one in service.signals}:
            self._strike("it sent a signal that its manifest does not declare")
            return
        arguments = wire.unpack(frame.arguments)
        if not isinstance(arguments, list):
            self._strike(f"the arguments of its signal {frame.signal} are no list")
            return
        self._listener.emitted(frame.service, frame.signal, arguments)

    def _changed(self, frame: wire.Changed) -> None:
        service = self._declared.get(frame.service)
        known = {one.name for one in service.properties} if service else set()
        properties = wire.unpack(frame.properties)
        if not isinstance(properties, dict) or not properties or not known.issuperset(properties):
            self._strike("it announced a property that its manifest does not declare")
            return
        self._listener.changed(frame.service, properties)

    def _spend(self, cost: int) -> None:
        """The rate limit: past it the instance is read no more until the second is over; its own queue fills."""
        if self._refill is None:
            self._refill = self._loop.call_later(1.0, self._replenish)
        self._budget -= cost
        if self._budget <= 0:
            self._end.rest()

    def _replenish(self) -> None:
        self._refill = None
        self._budget = min(self._rate, self._budget + self._rate)
        if self._budget <= 0:
            self._refill = self._loop.call_later(1.0, self._replenish)
        else:
            self._end.read()

    def tell(self, frame: wire.Down, *descriptors: int) -> bool:
        """Answers wait. All else is said now or not at all: while one is suspended, it would fill what calls need."""
        if isinstance(frame, wire.Given) and not descriptors:
            return self._end.send(wire.encode(frame))
        return not self._paused and self._end.hand_over(wire.encode(frame), *descriptors)

    # --- health ------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._ticker = self._loop.call_later(self._interval, self._tick)

    def _tick(self) -> None:
        """No ping during a question within its deadline, none while paused; one outstanding at a time."""
        self._watch()
        busy = self._asked is not None and not self._asked.overdue
        if self._paused or busy:
            return
        if self._pinged > self._ponged:
            self._missed += 1
            if self._missed == MISSES:
                self._listener.unhealthy(f"it missed {MISSES} pings in a row")
            return
        self._pinged += 1
        if not self._gone:
            self._end.send(wire.encode(wire.Ping(self._pinged)))

    def _pong(self, number: int) -> None:
        if number != self._pinged or self._ponged == self._pinged:
            self._strike(f"it answered ping {number}, which was not sent")
            return
        self._ponged, self._missed = number, 0

    def pause(self) -> None:
        """Before a freeze: every deadline stands still."""
        self._paused = True
        self._missed = 0
        for question in self._open():
            question.disarm()

    def unpause(self) -> None:
        self._paused = False
        for question in self._open():
            question.arm()

    def _open(self) -> list[Question]:
        return [*self._queue, *([self._asked] if self._asked else [])]

    # --- the end -----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Our end only; closing twice is fine."""
        self._lose("the channel was closed")
        for timer in (self._ticker, self._refill):
            if timer is not None:
                timer.cancel()

    def _lose(self, reason: str) -> None:
        """Death is decided by the pidfd; until then the pings go on being missed."""
        if self._gone:
            return
        self._gone = reason
        self._end.close()
        for question in self._open():
            question.refuse(lost(question.action, reason=reason))
        self._queue.clear()
        self._asked = None
        for future in self._milestones.values():
            if not future.done():
                future.set_exception(ConnectionError(reason))

    def _strike(self, reason: str) -> None:
        self._strikes += 1
        self._listener.struck(reason)
        if self._strikes == STRIKES:
            self._break(f"it broke the channel's rules {STRIKES} times")

    def _break(self, reason: str) -> None:
        """Nothing more is read of an instance that does not speak the protocol; the supervisor ends it."""
        if self._gone:
            return
        self._lose(reason)
        self._listener.struck(reason)
        self._listener.unhealthy(reason)


def _notice(answer: asyncio.Future[Any]) -> None:
    """Not everybody who adopts waits for the echo."""
    if not answer.cancelled():
        answer.exception()


def _broken(code: str, sentence: str) -> Refusal:
    return Refusal(code, sentence, "", {}, Outcome.FAILED)
