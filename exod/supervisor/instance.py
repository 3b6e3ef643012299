"""One running instance as the supervisor holds it: identity, channel, what it was seen to be, and how it ended."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from exod.errors import Outcome, Refusal, Refused
from exod.plan.confine import LAYERS, Confinement, Layer
from exod.supervisor.ports import Caller, Channel, Exit, InstanceRecord, Launch, Listener

LOST = "instance-lost"
"""The code of whatever was wanted of an instance that is gone; the channel's refusals have it too."""


@dataclass(slots=True)
class Instance:
    """`ending` is set by whoever ends it on purpose: its exit is no crash. `untold`: its configuration changed
    while it was suspended. `calls` are its open calls, oldest first. `overdrawn`: which limit it went over."""

    record: InstanceRecord
    launch: Launch
    channel: Channel | None = None
    listener: Listener | None = None
    walls: Mapping[str, str] = field(default_factory=dict)
    exit: Exit | None = None
    overdrawn: Refusal | None = None
    ending: bool = False
    untold: bool = False
    calls: list[Caller] = field(default_factory=list)
    born: float = 0.0

    @property
    def id(self) -> int:
        return self.record.id

    @property
    def plugin(self) -> str:
        return self.record.plugin

    @property
    def version(self) -> str:
        return self.record.version

    @property
    def confinement(self) -> Confinement:
        return self.launch.confinement

    @property
    def serving(self) -> int | None:
        """The uid in whose call it is: calls are served one at a time, in order."""
        return self.calls[0].uid if self.calls else None

    def change(self, **changes: Any) -> None:
        """Fields of its Confinement that exod answers for: from the next use on."""
        self.launch = replace(self.launch, confinement=replace(self.confinement, **changes))

    def line(self) -> Channel:
        """The channel; Refused when there is none any more."""
        if self.channel is None or self.exit is not None:
            raise Refused(self.lost())
        return self.channel

    def lost(self) -> Refusal:
        """Why it is gone, for whoever still wanted something of it."""
        how = describe(self.exit) if self.exit is not None else "it has no channel"
        evidence = {"instance": str(self.id)}
        return Refusal(LOST, f"cannot reach {self.plugin} {self.version}: {how}", "", evidence, Outcome.FAILED)

    def dismiss(self) -> None:
        """From here on its exit is no crash, and nothing it still says is heard."""
        self.ending = True
        self.hang_up()

    def hang_up(self) -> None:
        if self.channel is not None:
            self.channel.close()


_CAUSES = {
    "exited": "it exited by itself with status {status}",
    "signal": "it was ended by signal {status}",
    "seccomp": "the system call filter ended it",
    "oom": "it used more memory than its limit",
    "lost": "the keeper lost it",
    "ended": "exod ended it",
}


def describe(end: Exit) -> str:
    return _CAUSES.get(end.cause, "it ended ({cause})").format(status=end.status, cause=end.cause)


def check_walls(
    plugin: str, *, inside: Mapping[str, str], outside: Mapping[str, str], layers: Set[Layer] = LAYERS
) -> Refusal | None:
    """What an instance says of its walls against what was seen from outside: both agree, and no probe got through that
    one of `layers` should have held.
    """
    for name, value in inside.items():
        if name.startswith("denied.") and value == "allowed" and layers >= _HOLDS.get(name, set()):
            return _open_wall(plugin, f"{name.removeprefix('denied.')} was not denied", {name: value})
        seen = outside.get(name)
        if seen is not None and seen != value and name not in _SEEN_DIFFERENTLY:
            return _open_wall(plugin, f"{name} is {value} inside and {seen} outside", {name: f"{value} {seen}"})
    if not inside or not outside:
        return _open_wall(plugin, "it did not report its walls" if not inside else "nothing was seen of them", {})
    return None


_HOLDS: Mapping[str, Set[Layer]] = {
    "denied.socket": {Layer.SECCOMP},
    "denied.setuid": {Layer.SECCOMP, Layer.CAPABILITIES},
}
"""Probes that get through when one of these is left out; any other is held by several."""
_SEEN_DIFFERENTLY = frozenset(["uid", "gid", "pid"])
"""Ids have another value in the instance's own namespaces; the sandbox compares them itself."""


def _open_wall(plugin: str, reason: str, evidence: Mapping[str, str]) -> Refusal:
    return Refusal(
        "walls-open", f"cannot run {plugin}: its sandbox is not closed: {reason}", "exoctl daemon status", evidence
    )
