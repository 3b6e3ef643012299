"""`/etc/exod/plugins.d/NAME.toml`: bytes → Policy, or the refusal that names the key. What the host's administrator
grants or withholds for one plugin. It narrows what its signer's ceiling allows; only `critical` is granted here alone.
What it takes away is left out, and the plugin starts without it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from exod.errors import Outcome, Refusal
from exod.package.permissions import Permissions
from exod.package.services import ACCESS_PATTERN, ANY

AND = " & "
_RULE = re.compile(rf"{ACCESS_PATTERN}|uid:[0-9]{{1,10}}")
CAPABILITIES = ("filesystem", "network", "ipc", "hardware", "processes", "ai", "config", "custom", "native")

OnLimit = Literal["end", "throttle", "restart"]
"""What becomes of a plugin that goes over a limit: it is in error; it is slowed down, where the limit is a rate that
the kernel can hold it to, and else in error; it is started again as a critical one is after a crash."""


@dataclass(frozen=True, slots=True)
class Policy:
    """critical: restored before exod is ready, restarted after a crash. deferred: restored when all others are.
    stop_revoked: whether a revoked signer stops it (else it is only reported).

    files: when not None, the only host files it may be granted, as /PATH or MODE:/PATH.
    deny: capabilities it never gets. lint: whether what the lint calls an error refuses a load, or is only shown like a
    warning; off: nobody looks. acl: SERVICE, or SERVICE.Method → who may call beyond what the package says.
    """

    critical: bool = False
    deferred: bool = False
    stop_revoked: bool = True
    on_limit: OnLimit = "end"
    files: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    acl: Mapping[str, str] = field(default_factory=dict)
    lint: str = "refuse"

    def narrow(self, asked: Permissions) -> Permissions:
        """What is left of it."""
        denied = {name: type(getattr(asked, name))() for name in self.deny}
        left = replace(asked, **denied)
        if self.files is None:
            return left
        kept = tuple(one for one in left.filesystem if {one.path, str(one)} & set(self.files))
        return replace(left, filesystem=kept)

    def access(self, declared: str, subject: str) -> str:
        """The rules that all have to hold: the package's own, then the host's."""
        rules = [rule for rule in (*declared.split(AND), self.acl.get(subject, ANY)) if rule != ANY]
        return AND.join(dict.fromkeys(rules)) or ANY


_TYPES: Mapping[str, type] = dict.fromkeys(("critical", "deferred", "stop-revoked"), bool) | {
    **dict.fromkeys(("files", "deny"), list),
    "on-limit": str,
    "acl": dict,
    "lint": str,
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
    if table.get("on-limit", "end") not in get_args(OnLimit):
        return _refuse(name, f'"on-limit" is one of {", ".join(get_args(OnLimit))}')
    if table.get("critical") and table.get("deferred"):
        return _refuse(name, "what is critical cannot be deferred")
    for subject, rule in table.get("acl", {}).items():
        if not (isinstance(rule, str) and _RULE.fullmatch(rule)):
            built = (
                "no plugin can call another yet" if str(rule).startswith("plugin:") else f"{rule!r} is no access rule"
            )
            return _refuse(name, f'acl of "{subject}": {built}')
    if table.get("lint", "refuse") not in ("refuse", "warn", "off"):
        return _refuse(name, '"lint" is refuse, warn or off')
    unknown = [entry for entry in table.get("deny", ()) if entry not in CAPABILITIES]
    if unknown:
        return _refuse(name, f'"{unknown[0]}" is no capability')
    fields = {key.replace("-", "_"): value for key, value in table.items()}
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Policy(**fields | lists)


def _refuse(name: str, reason: str) -> Refusal:
    sentence = f"cannot read the policy of {name}: {reason}"
    return Refusal("policy-invalid", sentence, "exoctl daemon check-config", outcome=Outcome.USAGE)
