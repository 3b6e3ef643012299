"""What a caller gets instead of an answer: exceptions → error name, signature and body. Never a text of Python's.

Refusals keep all their fields: `org.exoos.Exod1.Error.NAME`, body `sssa{ss}` (sentence, code, hint, evidence). What the
bus specification has a name for gets that name and one sentence. Anything else is our own bug: an id, and a log entry.
"""

import logging
import secrets
from typing import Any

from exod.dbus.guard import Unfit, clean
from exod.dbus.wire import BusLost
from exod.errors import Outcome, Refusal, Refused

_log = logging.getLogger(__name__)
STANDARD = "org.freedesktop.DBus.Error"

Failure = tuple[str, str, list[Any]]


class Standard(Exception):
    """One of the bus specification's errors: UnknownObject, UnknownMethod, InvalidArgs, LimitsExceeded, …"""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


def of(error: BaseException, *, where: str) -> Failure:
    """`where` names the member for the log."""
    match error:
        case Refused(refusal=refusal):
            return of_refusal(refusal)
        case Standard():
            return f"{STANDARD}.{error.name}", "s", [clean(str(error))]
        case Unfit():
            return f"{STANDARD}.InvalidArgs", "s", [clean(f"cannot take the arguments: {error}")]
        case TimeoutError() | BusLost():
            sentence = f"cannot answer {where}: it took too long"
            return of_refusal(Refusal("timed-out", sentence, outcome=Outcome.TIMED_OUT))
        case _:
            return _internal(error, where)


def _internal(error: BaseException, where: str) -> Failure:
    number = secrets.token_hex(4)
    _log.error("internal error %s in %s", number, where, exc_info=error)
    sentence = f"internal error: {number}"
    return of_refusal(Refusal("internal", sentence, "the daemon's log has this number", outcome=Outcome.FAILED))


def of_refusal(refusal: Refusal) -> Failure:
    evidence = {clean(str(key)): clean(str(value)) for key, value in refusal.evidence.items()}
    body = [clean(refusal.sentence), clean(refusal.code), clean(refusal.hint), evidence]
    return refusal.outcome.bus_name, "sssa{ss}", body
