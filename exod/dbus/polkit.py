"""Asks polkit whether a bus connection may do something: (name, action) → Verdict. Whatever goes wrong is a no.

The subject is the message's sender, never a pid: pids are reused (CVE-2026-78422), unique names are not. A caller that
is gone by then makes polkit answer with an error, which is a no like any other (CVE-2021-3560).
"""

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from exod.dbus.codec import CALL, Outgoing, Variant
from exod.dbus.wire import BusLost, CallFailed, Wire

_NAME: Final = "org.freedesktop.PolicyKit1"
_PATH: Final = "/org/freedesktop/PolicyKit1/Authority"
_CALL: Final = Outgoing(CALL, _PATH, f"{_NAME}.Authority", destination=_NAME)
_ALLOW_INTERACTION: Final = 1
_DEADLINE: Final = 5.0
_DEADLINE_OF_PEOPLE: Final = 120.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`challenge`: somebody could authenticate, but the caller did not allow to be asked."""

    authorized: bool
    challenge: bool = False
    problem: str = ""


_serial = itertools.count(1)


async def check(wire: Wire, *, sender: str, action: str, details: Mapping[str, str], interactive: bool) -> Verdict:
    """`details` are shown to whoever authenticates."""
    cancellation = f"exod-{next(_serial)}"
    subject = ["system-bus-name", {"name": Variant("s", sender)}]
    body = [subject, action, dict(details), _ALLOW_INTERACTION if interactive else 0, cancellation]
    message = replace(_CALL, member="CheckAuthorization", signature="(sa{sv})sa{ss}us", body=body)
    deadline = _DEADLINE_OF_PEOPLE if interactive else _DEADLINE
    try:
        [(authorized, challenge, _)] = await wire.call(message, returns="(bba{ss})", deadline=deadline)
    except TimeoutError:
        await _cancel(wire, cancellation)
        return Verdict(authorized=False, problem="polkit did not answer in time")
    except CallFailed as error:
        return Verdict(authorized=False, problem=f"polkit could not decide ({error.name})")
    except BusLost:
        return Verdict(authorized=False, problem="the bus was lost")
    return Verdict(authorized is True, challenge is True)


async def _cancel(wire: Wire, cancellation: str) -> None:
    with contextlib.suppress(CallFailed, BusLost, TimeoutError):
        message = replace(_CALL, member="CancelCheckAuthorization", signature="s", body=[cancellation])
        await wire.call(message, returns="", deadline=_DEADLINE)
