"""Interfaces as data: introspection XML ↔ Interface. Shipped files are the source; a plugin's come from its manifest.

Refuses nothing a file of ours could say wrong: those are read at start, where a mistake stops the daemon.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree

from exod.package.services import Service

ACCESS = "org.exoos.Exod1.Access"
"""Annotation of a method: who may call it. Without it, whoever may manage plugins."""
EMITS_CHANGED = "org.freedesktop.DBus.Property.EmitsChangedSignal"
MANAGE = "polkit:org.exoos.exod1.manage-plugins"
SHIPPED = tuple(f"org.exoos.Exod1.{name}" for name in ("Manager", "Plugin", "Instance", "Job"))
_DOCTYPE = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)


def quoteattr(text: str) -> str:
    """As xml.sax.saxutils has it, which imports urllib, http and ssl on the way: 17 ms of a start."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\n", "&#10;")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Method:
    """`takes` and `gives` are the signatures of the call and of the answer."""

    name: str
    inputs: tuple[Argument, ...] = ()
    outputs: tuple[Argument, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    takes: str = ""
    gives: str = ""

    @property
    def access(self) -> str:
        return self.annotations.get(ACCESS, MANAGE)


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    arguments: tuple[Argument, ...] = ()

    @property
    def signature(self) -> str:
        return "".join(argument.type for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    type: str
    access: str = "read"
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def emits(self) -> bool:
        return self.annotations.get(EMITS_CHANGED, "true") == "true"


@dataclass(frozen=True, slots=True)
class Interface:
    name: str
    methods: Mapping[str, Method]
    signals: Mapping[str, Signal]
    properties: Mapping[str, Property]


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
    methods = (
        method(one.name, _arguments(one.arguments), _arguments(one.result), {ACCESS: service.access})
        for one in service.methods
    )
    return Interface(
        service.interface,
        {one.name: one for one in methods},
        {one.name: Signal(one.name, _arguments(one.arguments)) for one in service.signals},
        {one.name: Property(one.name, one.type, one.access) for one in service.properties},
    )


def method(
    name: str, inputs: tuple[Argument, ...], outputs: tuple[Argument, ...], annotations: Mapping[str, str]
) -> Method:
    takes, gives = ("".join(argument.type for argument in arguments) for arguments in (inputs, outputs))
    return Method(name, inputs, outputs, annotations, takes, gives)


def split(signature: str) -> list[str]:
    """The single complete types of a valid signature: `a{sv}i` → `a{sv}`, `i`."""
    types, start, depth = [], 0, 0
    for at, token in enumerate(signature):
        depth += (token in "({") - (token in ")}")
        if depth == 0 and token != "a":
            types.append(signature[start : at + 1])
            start = at + 1
    return types


def _arguments(signature: str) -> tuple[Argument, ...]:
    return tuple(Argument("", one) for one in split(signature))


def _interface(element: ElementTree.Element) -> Interface:
    methods = (
        method(one.get("name", ""), _in_direction(one, "in"), _in_direction(one, "out"), _annotations(one))
        for one in element.iter("method")
    )
    signals = (Signal(one.get("name", ""), _in_direction(one, "")) for one in element.iter("signal"))
    properties = (
        Property(one.get("name", ""), one.get("type", ""), one.get("access", ""), _annotations(one))
        for one in element.iter("property")
    )
    return Interface(
        element.get("name", ""),
        {one.name: one for one in methods},
        {one.name: one for one in signals},
        {one.name: one for one in properties},
    )


def _in_direction(element: ElementTree.Element, direction: str) -> tuple[Argument, ...]:
    arguments = (one for one in element.iter("arg") if one.get("direction", "") == direction)
    return tuple(Argument(one.get("name", ""), one.get("type", "")) for one in arguments)


def _annotations(element: ElementTree.Element) -> dict[str, str]:
    return {one.get("name", ""): one.get("value", "") for one in element.iter("annotation")}


def node(interfaces: Iterable[Interface], children: Iterable[str] = ()) -> str:
    """The answer to Introspect."""
    inner = [_element(interface) for interface in interfaces]
    inner += [f"  <node name={quoteattr(child)}/>\n" for child in children]
    return f"{_DOCTYPE}<node>\n{''.join(inner)}</node>\n"


def _element(interface: Interface) -> str:
    lines = [f"  <interface name={quoteattr(interface.name)}>"]
    for method in interface.methods.values():
        arguments = [_arg(one, ' direction="in"') for one in method.inputs]
        arguments += [_arg(one, ' direction="out"') for one in method.outputs]
        lines += _tag(f"method name={quoteattr(method.name)}", arguments + _annotation_lines(method.annotations))
    for signal in interface.signals.values():
        lines += _tag(f"signal name={quoteattr(signal.name)}", [_arg(one, "") for one in signal.arguments])
    for one in interface.properties.values():
        head = f"property name={quoteattr(one.name)} type={quoteattr(one.type)} access={quoteattr(one.access)}"
        lines += _tag(head, _annotation_lines(one.annotations))
    return "\n".join([*lines, "  </interface>\n"])


def _tag(head: str, inner: list[str]) -> list[str]:
    return [f"    <{head}>", *inner, f"    </{head.split()[0]}>"] if inner else [f"    <{head}/>"]


def _arg(argument: Argument, direction: str) -> str:
    name = f" name={quoteattr(argument.name)}" if argument.name else ""
    return f"      <arg{name} type={quoteattr(argument.type)}{direction}/>"


def _annotation_lines(annotations: Mapping[str, str]) -> list[str]:
    return [f"      <annotation name={quoteattr(key)} value={quoteattr(annotations[key])}/>" for key in annotations]
