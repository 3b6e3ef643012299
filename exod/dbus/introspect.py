"""Interfaces as data: introspection XML ↔ Interface. Shipped files are the source; a plugin's come from its manifest.

Refuses nothing a file of ours could say wrong: those are read at start, where a mistake stops the daemon.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree

from exod.dbus.codec import tree
from exod.package.services import Service

ACCESS = "org.exoos.Exod1.Access"
"""Annotation of a method: who may call it. Without it, whoever may manage plugins."""
EMITS_CHANGED = "org.freedesktop.DBus.Property.EmitsChangedSignal"
PRIVATE = "polkit:org.exoos.exod1.read-private"
MANAGE = "polkit:org.exoos.exod1.manage-plugins"
SHIPPED = tuple(f"org.exoos.Exod1.{name}" for name in ("Manager", "Plugin", "Instance", "Job"))
_DOCTYPE = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)


@dataclass(frozen=True, slots=True)
class Method:
    """`takes` and `gives` are the signatures of the call and of the answer; `access` says who may call it."""

    name: str
    takes: str
    gives: str
    access: str


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    signature: str


@dataclass(frozen=True, slots=True)
class Property:
    """`emits`: whether a change of it is signalled."""

    name: str
    type: str
    access: str
    emits: bool


@dataclass(frozen=True, slots=True)
class Interface:
    """`element` is the XML it was read from, and is shown as."""

    name: str
    methods: Mapping[str, Method]
    signals: Mapping[str, Signal]
    properties: Mapping[str, Property]
    element: ElementTree.Element = field(compare=False, repr=False)


def parse(xml: bytes | str) -> tuple[Interface, ...]:
    """The interfaces of a `<node>`."""
    return tuple(_interface(element) for element in ElementTree.fromstring(xml).iter("interface"))


@cache
def shipped(name: str) -> Interface:
    """The interface that the file NAME.xml of this package describes."""
    [interface] = parse(source(name))
    return interface


def source(name: str) -> bytes:
    return files("exod.dbus").joinpath("interfaces", f"{name}.xml").read_bytes()


def of_service(service: Service) -> Interface:
    """The interface that a plugin declared in `[services.NAME]`; arguments have no names there."""
    root = ElementTree.Element("interface", name=service.interface)
    for method in service.methods:
        element = ElementTree.SubElement(root, "method", name=method.name)
        _append_arguments(element, method.arguments, direction="in")
        _append_arguments(element, method.result, direction="out")
        ElementTree.SubElement(element, "annotation", name=ACCESS, value=method.access or service.access)
    for signal in service.signals:
        _append_arguments(ElementTree.SubElement(root, "signal", name=signal.name), signal.arguments)
    for one in service.properties:
        ElementTree.SubElement(root, "property", name=one.name, type=one.type, access=one.access)
    return _interface(root)


def _append_arguments(element: ElementTree.Element, signature: str, **direction: str) -> None:
    for one in split(signature):
        ElementTree.SubElement(element, "arg", {"type": one} | direction)


def split(signature: str) -> list[str]:
    """The single complete types of a valid signature: `a{sv}i` → `a{sv}`, `i`."""
    return [kind.signature for kind in tree(signature).types]


def _interface(element: ElementTree.Element) -> Interface:
    methods = (
        Method(one.get("name", ""), _signature(one, "in"), _signature(one, "out"), _annotation(one, ACCESS, MANAGE))
        for one in element.iter("method")
    )
    signals = (Signal(one.get("name", ""), _signature(one, "")) for one in element.iter("signal"))
    properties = (
        Property(
            one.get("name", ""),
            one.get("type", ""),
            one.get("access", ""),
            emits=_annotation(one, EMITS_CHANGED, "true") == "true",
        )
        for one in element.iter("property")
    )
    return Interface(
        element.get("name", ""),
        {one.name: one for one in methods},
        {one.name: one for one in signals},
        {one.name: one for one in properties},
        element,
    )


def _signature(element: ElementTree.Element, direction: str) -> str:
    return "".join(one.get("type", "") for one in element.iter("arg") if one.get("direction", "") == direction)


def _annotation(element: ElementTree.Element, name: str, default: str) -> str:
    found = element.find(f"annotation[@name='{name}']")
    return default if found is None else found.get("value", "")


def node(interfaces: Iterable[Interface], children: Iterable[str] = ()) -> str:
    """The answer to Introspect."""
    root = ElementTree.Element("node")
    for interface in interfaces:
        root.append(interface.element)
    for child in children:
        ElementTree.SubElement(root, "node", name=child)
    ElementTree.indent(root)
    return f"{_DOCTYPE}{ElementTree.tostring(root, encoding='unicode')}\n"
