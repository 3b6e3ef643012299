"""What may be asked of the supervisor, as data: a verb, who asks, and the options that the verb knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exod.errors import Outcome, Refusal
from exod.package.options import Value
from exod.supervisor.ports import Caller

Options = Mapping[str, Value | Mapping[str, Value]]


class Verb(StrEnum):
    """The value is the job's kind. RESTORE and RESTART are asked by the supervisor itself only."""

    LOAD = "load"
    INSTALL = "install"
    REMOVE = "remove"
    UNLOAD = "unload"
    START = "start"
    STOP = "stop"
    SUSPEND = "suspend"
    RESUME = "resume"
    ENABLE = "enable"
    DISABLE = "disable"
    CONFIGURE = "configure"
    RESTORE = "restore"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Request:
    """`package` holds the bytes of a package (load, install); else `plugin` names an installed one.

    options: load: start, enable, downgrade, consent (b), version (s, without a package); install: downgrade, consent;
    remove: purge (b); configure: values (a mapping, checked against the manifest's [config]).
    """

    verb: Verb
    caller: Caller
    plugin: str = ""
    package: bytes | None = field(default=None, repr=False)
    options: Options = field(default_factory=dict)

    def flag(self, name: str, *, default: bool = False) -> bool:
        return bool(self.options.get(name, default))


OPTIONS: Mapping[Verb, Mapping[str, type]] = {
    Verb.LOAD: {"start": bool, "enable": bool, "downgrade": bool, "consent": bool, "version": str},
    Verb.INSTALL: {"downgrade": bool, "consent": bool},
    Verb.REMOVE: {"purge": bool},
    Verb.CONFIGURE: {"values": Mapping},
}

_PACKAGED = (Verb.LOAD, Verb.INSTALL)


def check(request: Request) -> Refusal | None:
    """Why the request is not well-formed, whatever the state of the world; None if it is."""
    known = OPTIONS.get(request.verb, {})
    what = request.plugin or "package"
    for name, value in request.options.items():
        if name not in known:
            return _usage(request, what, f'it has no option "{name}"')
        if not isinstance(value, known[name]):
            return _usage(request, what, f'option "{name}" has the wrong type')
    if request.package is not None and request.verb not in _PACKAGED:
        return _usage(request, what, "it takes no package")
    if request.package is None and (not request.plugin or request.verb is Verb.INSTALL):
        return _usage(request, what, "no package was given" if request.verb is Verb.INSTALL else "no plugin was named")
    return None


def _usage(request: Request, what: str, reason: str) -> Refusal:
    return Refusal(
        "bad-request",
        f"cannot {request.verb} {what}: {reason}",
        f"exoctl plugin {request.verb} --help",
        outcome=Outcome.USAGE,
    )


def no_job(job: int) -> Refusal:
    sentence = f"cannot cancel job {job}: there is none"
    return Refusal("unknown-job", sentence, "exoctl job list", outcome=Outcome.NOT_FOUND)


def not_cancellable(job: int, reason: str) -> Refusal:
    sentence = f"cannot cancel job {job}: {reason}"
    return Refusal("not-cancellable", sentence, f"exoctl job watch {job}", outcome=Outcome.FAILED)
