"""Asks polkit whether a bus connection may do something: (name, action) → Verdict. Whatever goes wrong is a no.

The subject is the message's sender, never a pid: pids are reused (CVE-2026-78422), unique names are not. A caller that
is gone by then makes polkit answer with an error, which is a no like any other (CVE-2021-3560).
"""

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from exod.dbus.codec import Variant
from exod.dbus.wire import BusLost, CallFailed, Wire

_NAME: Final = "org.freedesktop.PolicyKit1"
_PATH: Final = "/org/freedesktop/PolicyKit1/Authority"
_INTERFACE: Final = "org.freedesktop.PolicyKit1.Authority"
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
    deadline = _DEADLINE_OF_PEOPLE if interactive else _DEADLINE
    try:
        ask = partial(wire.call, _NAME, _PATH, _INTERFACE, "CheckAuthorization", deadline=deadline)
        [answer] = await ask("(sa{sv})sa{ss}us", body, returns="(bba{ss})")
        authorized, challenge, _ = answer
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
        await wire.call(
            _NAME, _PATH, _INTERFACE, "CancelCheckAuthorization", "s", [cancellation], returns="", deadline=_DEADLINE
        )
