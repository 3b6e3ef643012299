"""One dispatcher over raw messages: a call is judged by rate, size, path, member, signature, descriptors and authority
before its body is decoded; then a typed function runs and its result is checked against the declared signature.

Refuses, in that order, with the errors the bus specification has for it. Descriptors that no function took are closed
off the loop, whatever happens. Objects hold one facet each; the standard interfaces are served here for all of them.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from exod.closer import close_elsewhere
from exod.dbus import failures, guard, standard
from exod.dbus.authority import ANY, CHALLENGE, Authority
from exod.dbus.caps import Caps, Meter
from exod.dbus.codec import CALL, ERROR, NO_REPLY, RETURN, SIGNAL, Header, Outgoing
from exod.dbus.facet import OwnFacet
from exod.dbus.failures import Standard
from exod.dbus.guard import Unfit
from exod.dbus.introspect import PRIVATE, Method
from exod.dbus.objects import Call, Checked, Facet, Run, arguments
from exod.dbus.wire import Wire
from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.ports import Caller
from exod.supervisor.tasks import Tasks

_log = logging.getLogger(__name__)
_DESCRIPTORS_MAX: Final = 1


Audit = Callable[[Refusal | None, Caller, str], None]
"""Told of every call that was refused for lack of authority; without a refusal, of every call of the daemon's own
objects that was let in and may change something.
"""


class Dispatcher:
    """All objects of the daemon. One for the daemon's life; wires come and go."""

    def __init__(self, *, caps: Caps, audit: Audit) -> None:
        self._audit = audit
        self._caps = caps
        self._meter = Meter(caps, now=asyncio.get_running_loop().time)
        self._tasks = Tasks(failed=lambda error: _log.error("internal error in an answer", exc_info=error))
        self.objects: dict[str, Facet] = {}
        self.wire: Wire | None = None
        self._authority: Authority | None = None

    # --- connection ------------------------------------------------------------------------------------------------

    def attach(self, wire: Wire) -> None:
        """From now on `wire` carries the calls and signals; what was known of senders is forgotten."""
        self.wire = wire
        self._authority = Authority(wire)
        self._meter = Meter(self._caps, now=asyncio.get_running_loop().time)

    def detach(self) -> None:
        self.wire = None
        self._authority = None

    async def close(self) -> None:
        await self._tasks.close()

    def emit(self, path: str, interface: str, member: str, signature: str, body: list[Any], *, to: str = "") -> None:
        """A signal; `body` has passed the guard."""
        if self.wire:
            self.wire.send(Outgoing(SIGNAL, path, interface, member, destination=to, signature=signature, body=body))

    # --- calls -----------------------------------------------------------------------------------------------------

    def receive(self, header: Header) -> None:
        if header.type != CALL or self.wire is None or self._authority is None or not header.sender:
            close_elsewhere(header.fds)
            return
        call = Call(self.wire, self._authority, header)
        try:
            self._meter.admit(call.sender)
            access, gives, run = self._route(header)
            if access == ANY:
                self._finish(call, gives, run(call))
            else:
                self._start(call, gives, self._authorised(call, access, run))
        except Exception as error:
            self._fail(call, error)

    def _start(self, call: Call, gives: str, work: Coroutine[Any, Any, Any]) -> None:
        """Answers later; each sender may have so many such calls open."""
        try:
            ended = self._meter.begin(call.sender)
        except Standard:
            work.close()
            raise
        self._tasks.spawn(self._answer(call, gives, work, ended), name=f"answer {call.sender}")

    async def _answer(self, call: Call, gives: str, work: Awaitable[Any], ended: Callable[[], None]) -> None:
        try:
            self._reply(call, gives, await work)
        except Exception as error:
            self._audit_if_denied(call, error)
            self._fail(call, error)
        finally:
            ended()
            close_elsewhere(call.left())

    async def _authorised(self, call: Call, access: str, run: Run) -> Any:
        """The body is decoded, and a descriptor touched, only behind the first line."""
        call.caller = await self._require(call, access)
        result = run(call)
        return await result if inspect.isawaitable(result) else result

    async def _require(self, call: Call, access: str) -> Caller:
        header = call.header
        facet = self.objects.get(header.path)
        details = facet.details(header.member) if facet else {}
        caller = await call.authority.require(access, call.sender, details=details, interactive=call.interactive)
        if isinstance(facet, OwnFacet) and access != PRIVATE:
            self._audit(None, caller, f"{header.path} {header.member}")
        return caller

    def _audit_if_denied(self, call: Call, error: Exception) -> None:
        """Costs the sender more than an answer does: each denial is a line in the audit."""
        if denial := _denial(error):
            self._meter.charge(call.sender, self._caps.denial)
            who = call.authority.known(call.sender)
            self._audit(denial, who, f"{call.header.path} {call.header.member}")

    def _finish(self, call: Call, gives: str, result: Any) -> None:
        """Answers at once where the function did; this is the whole way of most reads."""
        if inspect.iscoroutine(result):
            self._start(call, gives, result)
            return
        self._reply(call, gives, result)
        close_elsewhere(call.left())

    # --- answers ---------------------------------------------------------------------------------------------------

    def _reply(self, call: Call, gives: str, result: Any) -> None:
        _send(call, RETURN, gives, result.body if isinstance(result, Checked) else _encode(gives, result))

    def _fail(self, call: Call, error: BaseException) -> None:
        close_elsewhere(call.left())
        name, signature, body = failures.of(error, where=call.header.member)
        _send(call, ERROR, signature, body, error=name)

    # --- routing ---------------------------------------------------------------------------------------------------

    def _route(self, header: Header) -> tuple[str, str, Run]:
        """What the call needs, what it gives, and the function that decodes the body and does it."""
        if header.frame is None:
            raise Standard("LimitsExceeded", f"cannot take the call: {header.size} bytes are too many")
        facet = self.objects.get(header.path)
        if header.interface and (method := standard.find(header.interface, header.member)):
            _check_signature(header, method)
            access, run = standard.plan(self.objects, facet, header)
            return access, method.gives, run
        if facet is None:
            raise Standard("UnknownObject", f"there is no object {header.path}")
        if header.interface not in ("", facet.interface.name):
            raise Standard("UnknownInterface", f"{header.path} has no interface {header.interface}")
        method = facet.interface.methods.get(header.member)
        if method is None:
            raise Standard("UnknownMethod", f"{facet.interface.name} has no method {header.member}")
        _check_signature(header, method)
        return method.access, method.gives, _invocation(facet, method)


def _send(call: Call, kind: int, signature: str, body: list[Any], *, error: str = "") -> None:
    if not call.header.flags & NO_REPLY:
        to, asked = call.sender, call.header.serial
        call.wire.send(Outgoing(kind, error=error, reply_to=asked, destination=to, signature=signature, body=body))


def _invocation(facet: Facet, method: Method) -> Run:
    if not method.takes:
        return lambda call: facet.invoke(call, method, ())
    return lambda call: facet.invoke(call, method, arguments(call.header))


def _check_signature(header: Header, method: Method) -> None:
    if header.signature != method.takes:
        raise Standard("InvalidArgs", f"{method.name} takes ({method.takes}), not ({header.signature})")
    wanted = _DESCRIPTORS_MAX if "h" in method.takes else 0
    if len(header.fds) != wanted or header.fd_count != wanted:
        raise Standard("InvalidArgs", f"{method.name} takes {wanted or 'no'} descriptor, not {header.fd_count}")


def _encode(gives: str, result: Any) -> list[Any]:
    """A tuple → several values, anything else → one. What does not fit is our own bug, not the caller's."""
    if not gives:
        return []
    values = result if isinstance(result, tuple) else (result,)
    try:
        return guard.encode(gives, values, own=True)
    except Unfit as error:
        raise TypeError(f"the answer is not ({gives})") from error


def _denial(error: Exception) -> Refusal | None:
    if isinstance(error, Refused) and error.refusal.outcome is Outcome.NOT_AUTHORIZED:
        return error.refusal
    if isinstance(error, Standard) and error.name == CHALLENGE:
        return Refusal("challenged", str(error), outcome=Outcome.NOT_AUTHORIZED)
    return None
