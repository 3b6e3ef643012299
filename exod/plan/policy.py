"""`/etc/exod/plugins.d/NAME.toml`: bytes → Policy, or the refusal that names the key. What the host's administrator
grants or withholds for one plugin. It narrows what its signer's ceiling allows; only `critical` is granted here alone.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from exod.errors import Outcome, Refusal

CAPABILITIES = ("filesystem", "network", "ipc", "hardware", "processes", "ai", "config", "custom", "native")


@dataclass(frozen=True, slots=True)
class Policy:
    """critical: restored before exod is ready, restarted after a crash. deferred: restored when all others are.
    stop_revoked: whether a revoked signer stops it (else it is only reported).

    files: when not None, the only host files it may be granted, as /PATH or MODE:/PATH.
    deny: capabilities it never gets.
    """

    critical: bool = False
    deferred: bool = False
    stop_revoked: bool = True
    files: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()


_TYPES: Mapping[str, type] = {
    "critical": bool,
    "deferred": bool,
    "stop-revoked": bool,
    "files": list,
    "deny": list,
}


def parse(data: bytes, *, name: str) -> Policy | Refusal:
    """The policy of plugin `name`; strict, because a misspelt key must never silently mean its default."""
    try:
        table = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        return _refuse(name, str(error))
    for key, value in table.items():
        if key not in _TYPES:
            return _refuse(name, f'unknown key "{key}"')
        if type(value) is not _TYPES[key]:
            return _refuse(name, f'"{key}" wants {_TYPES[key].__name__}')
        if isinstance(value, list) and not all(isinstance(entry, str) for entry in value):
            return _refuse(name, f'"{key}" wants a list of strings')
    if table.get("critical") and table.get("deferred"):
        return _refuse(name, "what is critical cannot be deferred")
    unknown = [entry for entry in table.get("deny", ()) if entry not in CAPABILITIES]
    if unknown:
        return _refuse(name, f'"{unknown[0]}" is no capability')
    fields = {key.replace("-", "_"): value for key, value in table.items()}
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Policy(**fields | lists)


def _refuse(name: str, reason: str) -> Refusal:
    sentence = f"cannot read the policy of {name}: {reason}"
    return Refusal("policy-invalid", sentence, "exoctl daemon check-config", outcome=Outcome.USAGE)
