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

    options: as WITH_PACKAGE and OF_INSTALLED have them; configure: values (checked against the manifest's [config]).
    """

    verb: Verb
    caller: Caller
    plugin: str = ""
    package: bytes | None = field(default=None, repr=False)
    options: Options = field(default_factory=dict)

    def flag(self, name: str, *, default: bool = False) -> bool:
        return bool(self.options.get(name, default))


WITH_PACKAGE: Mapping[Verb, Mapping[str, type]] = {
    Verb.LOAD: {"start": bool, "enable": bool, "downgrade": bool, "consent": bool},
    Verb.INSTALL: {"downgrade": bool, "consent": bool},
}
OF_INSTALLED: Mapping[Verb, Mapping[str, type]] = {
    Verb.LOAD: {"start": bool, "version": str},
    Verb.REMOVE: {"purge": bool},
    Verb.CONFIGURE: {"values": Mapping},
}


def check(request: Request) -> Refusal | None:
    """Why the request is not well-formed, whatever the state of the world; None if it is."""
    packaged = request.package is not None
    if packaged and request.verb not in WITH_PACKAGE:
        return _usage(request, "it takes no package")
    if not packaged and (not request.plugin or request.verb is Verb.INSTALL):
        return _usage(request, "no package was given" if request.verb is Verb.INSTALL else "no plugin was named")
    known = (WITH_PACKAGE if packaged else OF_INSTALLED).get(request.verb, {})
    for name, value in request.options.items():
        if name not in known:
            hint = f"one of: {', '.join(known)}" if known else "it has none"
            return _usage(request, f'there is no option "{name}"', code="unknown-option", hint=hint)
        if not isinstance(value, known[name]):
            return _usage(request, f'option "{name}" has the wrong type')
    return None


def _usage(request: Request, reason: str, *, code: str = "bad-request", hint: str = "") -> Refusal:
    sentence = f"cannot {request.verb} {request.plugin or 'package'}: {reason}"
    return Refusal(code, sentence, hint or f"exoctl plugin {request.verb} --help", outcome=Outcome.USAGE)


def no_job(job: int) -> Refusal:
    sentence = f"cannot cancel job {job}: there is none"
    return Refusal("unknown-job", sentence, "exoctl job list", outcome=Outcome.NOT_FOUND)


def not_cancellable(job: int, reason: str) -> Refusal:
    sentence = f"cannot cancel job {job}: {reason}"
    return Refusal("not-cancellable", sentence, f"exoctl job watch {job}", outcome=Outcome.FAILED)
