"""Confinement → the frame an instance is let go with, and an instance's failure to use it → Refusal. Pure."""

import msgspec

from exod.errors import Outcome, Refusal
from exod.plan.confine import Confinement
from exosdk import wire


def go_frame(confinement: Confinement, *, protocol: int) -> wire.Go:
    return wire.Go(
        protocol=protocol,
        plugin=confinement.plugin,
        version=confinement.version,
        type=confinement.type,
        entry=confinement.entry,
        config=dict(confinement.config),
        permissions=dict(confinement.permissions),
        services=msgspec.convert(confinement.services, tuple[wire.Service, ...], from_attributes=True),
        call_time=confinement.limits.call_time,
    )


def common_protocol(hello: wire.Hello) -> int | None:
    """The newest protocol that both ends speak."""
    newest = min(hello.newest, wire.PROTOCOL)
    return newest if newest >= max(hello.oldest, wire.OLDEST_PROTOCOL) else None


def lost(action: str, *, reason: str) -> Refusal:
    return Refusal("instance-lost", f"cannot {action}: the instance is gone", "", {"reason": reason}, Outcome.FAILED)


def timed_out(action: str, *, deadline: float, sent: bool = True) -> Refusal:
    """`sent`: whether the plugin ever got the question."""
    sentence = f"cannot {action}: no answer within {deadline:g} s"
    evidence = {"deadline": f"{deadline:g}", "sent": "yes" if sent else "no"}
    return Refusal("call-timeout", sentence, "", evidence, Outcome.TIMED_OUT)


def faulted(action: str, fault: wire.Fault) -> Refusal:
    reason = printable(f"{fault.kind}: {fault.message}" if fault.message else fault.kind)
    evidence = {"class": printable(fault.kind), "message": printable(fault.message)}
    return Refusal("plugin-fault", f"cannot {action}: the plugin raised {reason}", "", evidence, Outcome.FAILED)


def failed(failure: wire.Failed, *, plugin: str) -> Refusal:
    """The code is the plugin side's word: only its shape is trusted."""
    told = failure.code if failure.code.isascii() and failure.code.replace("-", "").isalpha() else "unknown"
    sentence = f"cannot load {plugin}: {printable(failure.sentence)}"
    hint = f"read its log with: exoctl plugin logs {plugin}"
    return Refusal("plugin-unusable", sentence, hint, {"reason": told[:40]}, Outcome.FAILED)


def printable(text: str) -> str:
    """Text of a plugin in a sentence of ours: one line, no control or direction characters, at most 300 characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:300]).strip()
