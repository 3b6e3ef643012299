"""Which settings may be granted, and which one is held: a Confinement or a question → nothing, or a refusal. Pure."""

import re
from collections.abc import Sequence

from exod.brokers.config.facts import SYSTEM
from exod.errors import Refusal
from exod.plan.confine import Confinement

OWNER = "system"
"""Before the dot, in the place of a plugin's name."""
_KEY = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*")
_KEY_MAX = 160


def check(confinement: Confinement) -> Refusal | None:
    """Whatever its signer's ceiling and its policy allow."""
    for entry in confinement.permissions.get("config", ()):
        mode, _, key = entry.partition(":")
        owner, _, name = key.partition(".")
        reason = ""
        if owner == OWNER and mode != "read":
            reason = "no plugin changes the system's settings"
        elif owner == OWNER and name not in SYSTEM:
            reason = f"the system's settings are {', '.join(SYSTEM)}"
        if reason:
            what = f"cannot load {confinement.plugin} {confinement.version}: it asks for {entry}: {reason}"
            return Refusal("permission-refused", what, "exoctl package inspect FILE", {"permission": entry})
    return None


def is_question(kind: str, key: str) -> bool:
    """Whether these words of a plugin may stand in a sentence of ours."""
    return kind in ("read", "write") and len(key) <= _KEY_MAX and _KEY.fullmatch(key) is not None


def denied(kind: str, key: str, *, held: Sequence[str]) -> Refusal | None:
    """`kind` is read or write. What is held today counts, not what the plugin was told when it started."""
    if not is_question(kind, key):
        return Refusal("setting-denied", "cannot answer: a question is read or write, and PLUGIN.KEY or system.KEY")
    if f"{kind}:{key}" in held:
        return None
    return Refusal("setting-denied", f"cannot {kind} {key}: the plugin does not hold {kind}:{key}")
