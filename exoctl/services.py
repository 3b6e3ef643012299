"""What a loaded plugin offers on the bus, read from its introspection: service → interface → methods and properties."""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from exoctl.bus import Connection
from exoctl.faults import internal, not_found, usage
from exod.errors import Outcome, Refused
from exod.names import ROOT_PATH, path_element

_INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"


@dataclass(frozen=True, slots=True)
class Method:
    service: str
    path: str
    interface: str
    name: str
    takes: str

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


def find(bus: Connection, plugin: str, wanted: str) -> Method:
    """`SERVICE.METHOD`, or `METHOD` where only one service has it."""
    service, _, name = wanted.rpartition(".")
    offered = list(methods(bus, plugin))
    found = [method for method in offered if method.name == name and service in ("", method.service)]
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(str(method) for method in found)
        raise Refused(usage(f"cannot call {wanted} of {plugin}: several services have it", f"say {choices}"))
    names = ", ".join(str(method) for method in offered)
    hint = f"it offers {names}" if names else f"exoctl plugin load {plugin}"
    reason = "it offers no such method" if names else "it offers nothing now"
    raise Refused(not_found("unknown-method", f"cannot call {wanted} of {plugin}: {reason}", hint))


def methods(bus: Connection, plugin: str) -> Iterator[Method]:
    root = f"{ROOT_PATH}/service/{path_element(plugin)}"
    for child in _introspect(bus, root).findall("node"):
        element = child.get("name", "")
        path = f"{root}/{element}"
        for interface in _introspect(bus, path).findall("interface"):
            name = interface.get("name", "")
            if not name.startswith("org.freedesktop.DBus."):
                yield from _methods(interface, service=element.replace("_", "-"), path=path, name=name)


def _methods(interface: ElementTree.Element, *, service: str, path: str, name: str) -> Iterator[Method]:
    for method in interface.findall("method"):
        takes = "".join(arg.get("type", "") for arg in method.findall("arg") if arg.get("direction", "in") == "in")
        yield Method(service, path, name, method.get("name", ""), takes)


def _introspect(bus: Connection, path: str) -> ElementTree.Element:
    try:
        (text,) = bus.call(path, _INTROSPECTABLE, "Introspect")
    except Refused as error:
        if error.refusal.outcome is Outcome.NOT_FOUND:
            return ElementTree.Element("node")
        raise
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise Refused(internal(f"introspection of {path}: {error}")) from error
