"""What the command line itself has to say when things go wrong, as refusals; and bus errors → refusals."""

import os
from collections.abc import Sequence
from typing import Any, TypeVar

from exod.errors import Outcome, Refusal, Refused

_Value = TypeVar("_Value")

_OUTCOMES = {outcome.bus_name: outcome for outcome in Outcome}
_FREEDESKTOP = {
    "ServiceUnknown": Outcome.UNREACHABLE,
    "NameHasNoOwner": Outcome.UNREACHABLE,
    "Disconnected": Outcome.UNREACHABLE,
    "NoServer": Outcome.UNREACHABLE,
    "Spawn.ChildExited": Outcome.UNREACHABLE,
    "AccessDenied": Outcome.NOT_AUTHORIZED,
    "AuthFailed": Outcome.NOT_AUTHORIZED,
    "InteractiveAuthorizationRequired": Outcome.NOT_AUTHORIZED,
    "UnknownObject": Outcome.NOT_FOUND,
    "UnknownMethod": Outcome.NOT_FOUND,
    "UnknownInterface": Outcome.NOT_FOUND,
    "UnknownProperty": Outcome.NOT_FOUND,
    "InvalidArgs": Outcome.USAGE,
    "InvalidSignature": Outcome.USAGE,
    "NoReply": Outcome.TIMED_OUT,
    "Timeout": Outcome.TIMED_OUT,
    "TimedOut": Outcome.TIMED_OUT,
}
_HINTS = {
    Outcome.NOT_AUTHORIZED: "run it as root, or ask an administrator to allow it in polkit",
}


def unreachable(address: str, reason: str) -> Refusal:
    sentence = f"cannot reach exod: {reason}"
    dev = os.environ.get("EXOD_DEV_DIR")
    hint = f"exod --dev {dev}" if dev else "systemctl start exod"
    return Refusal("daemon-unreachable", sentence, hint, {"address": address}, Outcome.UNREACHABLE)


def timed_out(waiting_for: str) -> Refusal:
    return Refusal("timed-out", f"cannot wait any longer for {waiting_for}", "exoctl job list", {}, Outcome.TIMED_OUT)


def usage(sentence: str, hint: str = "") -> Refusal:
    return Refusal("usage", sentence, hint, {}, Outcome.USAGE)


def not_found(code: str, sentence: str, hint: str = "") -> Refusal:
    return Refusal(code, sentence, hint, {}, Outcome.NOT_FOUND)


def failed(code: str, sentence: str, hint: str = "") -> Refusal:
    return Refusal(code, sentence, hint, {}, Outcome.FAILED)


def internal(what: str) -> Refusal:
    return Refusal("internal-error", f"internal error: {what}", "", {}, Outcome.FAILED)


def from_error(name: str, body: Sequence[Any], *, path: str, member: str) -> Refusal:
    """An error message → the refusal it carries (`sssa{ss}`), or the nearest one for errors of the bus itself."""
    if name in _OUTCOMES and len(body) == 4 and isinstance(body[3], dict):
        sentence, code, hint, evidence = body
        return Refusal(str(code), str(sentence), str(hint), evidence, _OUTCOMES[name])
    text = str(body[0]) if body else name
    short = name.rpartition("Error.")[2]
    outcome = _OUTCOMES.get(name) or _FREEDESKTOP.get(short, Outcome.FAILED)
    if outcome is Outcome.UNREACHABLE:
        return unreachable("", f"nobody owns its name on the bus ({text})")
    evidence = {"error": name, "path": path, "member": member}
    sentence = f"cannot call {member} of {path}: {text}"
    return Refusal(_kebab(short), sentence, _HINTS.get(outcome, ""), evidence, outcome)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).replace(".", "").lstrip("-")


def accepted(verdict: _Value | Refusal) -> _Value:
    """A value of pure code, or its refusal raised: here is where a verb is abandoned."""
    if isinstance(verdict, Refusal):
        raise Refused(verdict)
    return verdict
