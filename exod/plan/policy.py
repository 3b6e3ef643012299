"""`/etc/exod/plugins.d/NAME.toml`: bytes → Policy, or the refusal that names the key. What the host's administrator
grants or withholds for one plugin. It narrows what its signer's ceiling allows; only `critical` is granted here alone.
What it takes away is left out, and the plugin starts without it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from exod.errors import Refusal
from exod.package.document import read
from exod.package.fields import Checked, Choice, Field, Flag, List, Named, Shown, Table, Text, wrong
from exod.package.malformed import MalformedError
from exod.package.permissions import Permissions
from exod.package.services import ACCESS_PATTERN, ANY
from exod.trust.anchors import LABELS_MAX, MAX_BYTES

DIRECTORY = "plugins.d"
AND = " & "
_RULE = re.compile(rf"{ACCESS_PATTERN}|uid:[0-9]{{1,10}}|plugin:[a-z][a-z0-9-]*")
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


def parse(data: bytes, *, name: str) -> Policy | Refusal:
    """The policy of plugin `name`; strict, because a misspelt key must never silently mean its default."""
    try:
        policy: Policy = read(data, _TABLE, limit=MAX_BYTES)
        if policy.critical and policy.deferred:
            raise wrong("deferred", "what is critical cannot be deferred")
    except MalformedError as fault:
        return fault.refusal(f"{DIRECTORY}/{name}.toml", code="policy-invalid")
    return policy


_ACCESS = Checked(_RULE.fullmatch, what="an access rule")
_ACL = Named(Text("[!-~]+", what="SERVICE, or SERVICE.Method"), _ACCESS, most=LABELS_MAX)
_TABLE = Table(
    Field("critical", Flag(), default=False),
    Field("deferred", Flag(), default=False),
    Field("stop-revoked", Flag(), default=True, to="stop_revoked"),
    Field("on-limit", Choice(*get_args(OnLimit)), default="end", to="on_limit"),
    Field("files", List(Shown(1100), most=LABELS_MAX), default=None),
    Field("deny", List(Choice(*CAPABILITIES), most=len(CAPABILITIES)), default=()),
    Field("acl", _ACL, default=()),
    Field("lint", Choice("refuse", "warn", "off"), default="refuse"),
    build=lambda acl, **row: Policy(acl=dict(acl), **row),
)
