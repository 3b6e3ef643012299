"""The verbs that change one installed plugin: one call of its object, one job; or, dry, the steps of exod's plan."""

from collections.abc import Mapping
from typing import Any

from exoctl import objects
from exoctl.codec import Variant
from exoctl.jobs import submit
from exoctl.session import Session
from exod.errors import Refused


def change(session: Session, name: str, *, verb: str, options: Mapping[str, Any] | None = None) -> None:
    """`options` are variants; None for the methods that take none."""
    objects.require_name(name, verb=verb)
    if session.dry_run:
        session.plan(plan(session, name, verb=verb, options=options or {}))
        return
    signature, body = ("", ()) if options is None else ("a{sv}", (dict(options),))
    member = verb.capitalize()
    submit(session, lambda bus: str(objects.plugin(bus, name, member, signature, *body, verb=verb)[0]))


def plan(session: Session, name: str, *, verb: str, options: Mapping[str, Any]) -> list[str]:
    """What exod would do; the plan it makes is the plan it runs."""
    try:
        (steps,) = objects.manager(session.bus, "Plan", "ssa{sv}", verb, name, dict(options))
    except Refused as error:
        if error.refusal.code in ("unknown-object", "not-found"):
            raise Refused(objects.no_such_plugin(name, verb=verb)) from error
        raise
    return [str(step) for step in steps]


def flags(**values: bool | str | None) -> dict[str, Any]:
    """Options that were given, as variants: True and text; what is False, empty or None is left to exod's default."""
    given = {name: value for name, value in values.items() if value}
    return {name: Variant("b" if value is True else "s", value) for name, value in given.items()}
