"""The shipped XML, comments included, → the page `docs/dbus.md`: `python -m docs.generate > docs/dbus.md`."""

import sys
from collections.abc import Iterator
from xml.etree import ElementTree

from exod.dbus.introspect import SHIPPED, Interface, Method, Property, parse, source
from exod.errors import Outcome

_HEAD = """# exod on D-Bus

Generated from `exod/dbus/interfaces/`; do not edit. `python -m docs.generate > docs/dbus.md` writes it anew.

Name `org.exoos.Exod1` on the system bus. `/org/exoos/Exod1` has the Manager and the ObjectManager; below it are
`/plugin/NAME`, `/instance/ID`, `/job/N` and `/service/PLUGIN/SERVICE`, with `-` in a name written as `_`.
Every object has Properties, Introspectable and Peer. Services have the interface of their plugin's manifest; their
property values are read with Get and GetAll and are not part of GetManagedObjects.

**Access** of a method: `any`, or a polkit action, which uid 0 needs not. Reading properties is open. A service says
itself who may use it (`root`, `group:NAME`, `polkit:ACTION`, `any`); signals of one that is not open are sent only to
connections that were let in since they connected.

| error | exit code of exoctl | when |
|---|---|---|
"""
WHEN = {
    Outcome.FAILED: "the world did not allow it, or an internal error",
    Outcome.USAGE: "an option, a verb or a value that does not exist",
    Outcome.REFUSED: "trust or policy refused it",
    Outcome.NOT_FOUND: "no such plugin, job or service",
    Outcome.NOT_AUTHORIZED: "neither uid 0 nor authorised",
    Outcome.UNREACHABLE: "never sent by the daemon: it cannot be reached",
    Outcome.TIMED_OUT: "the plugin or the bus took too long",
}
_TAIL = """
These carry `sssa{ss}`: sentence, code, hint, evidence. What the bus specification has an error for
(`org.freedesktop.DBus.Error.UnknownMethod`, `UnknownObject`, `InvalidArgs`, `PropertyReadOnly`, `LimitsExceeded`,
`InteractiveAuthorizationRequired`, …) carries `s`.
"""


def page() -> str:
    lines = [_HEAD.rstrip("\n")]
    lines += [f"| `{outcome.bus_name}` | {outcome.exit_code} | {WHEN[outcome]} |" for outcome in Outcome]
    lines.append(_TAIL)
    for name in SHIPPED:
        [interface] = parse(source(name))
        lines += _section(interface, _comments(source(name)))
    return "\n".join(lines)


def _section(interface: Interface, comments: dict[str, str]) -> Iterator[str]:
    yield f"## {interface.name}\n\n{comments.get(interface.name, '')}\n"
    for method in interface.methods.values():
        element = interface.element.find(f"method[@name='{method.name}']")
        assert element is not None
        yield f"- `{_call(element)}` · {_access(method)}{_remark(comments, method.name)}"
    if interface.methods:
        yield ""
    yield "| property | type | |\n|---|---|---|"
    for one in interface.properties.values():
        yield f"| {one.name} | `{one.type}` | {_about(one, comments)} |"
    yield ""


def _call(method: ElementTree.Element) -> str:
    takes, gives = (
        ", ".join(f"{one.get('type')} {one.get('name')}" for one in method.iter("arg") if one.get("direction") == way)
        for way in ("in", "out")
    )
    return f"{method.get('name')}({takes})" + (f" → {gives}" if gives else "")


def _access(method: Method) -> str:
    return f"`{method.access.removeprefix('polkit:')}`"


def _remark(comments: dict[str, str], name: str) -> str:
    return f"  \n  {comments[name]}" if name in comments else ""


def _about(one: Property, comments: dict[str, str]) -> str:
    return comments.get(one.name, "") + ("" if one.emits else " (not signalled)")


def _comments(xml: bytes) -> dict[str, str]:
    """Name of an interface, method or property → the comment right before it, on one line."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    found: dict[str, str] = {}
    before = ""
    for element in ElementTree.fromstring(xml, parser).iter():
        if callable(element.tag):  # a comment's tag is the function that makes one
            before = " ".join((element.text or "").split())
        elif element.get("name"):
            if before:
                found.setdefault(element.get("name", ""), before)
            before = ""
    return found


if __name__ == "__main__":
    sys.stdout.write(page())
