"""The `[services.NAME]` tables: the D-Bus interfaces a plugin offers, as data.

Refuses interface names of others (org.freedesktop.*, org.exoos.Exod1*), members and signatures D-Bus does not allow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exod.package.fields import Checked, Choice, Field, Flag, Name, Named, Parsed, Table, Text, wrong
from exod.package.signatures import LONGEST, is_signature, is_single

SERVICES_MAX = 16
MEMBERS_MAX = 64
_INTERFACE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
_MEMBER = re.compile(r"[A-Z][A-Za-z0-9]*")
_RESERVED = re.compile(r"org\.(freedesktop|exoos\.exod1.*)(\..*)?", re.IGNORECASE)
ANY = "any"
ACCESS_PATTERN = r"root|any|group:[a-z_][a-z0-9_-]{0,31}|polkit:[a-z0-9]+(?:[.-][a-z0-9]+)+"


@dataclass(frozen=True, slots=True)
class Method:
    """`arguments` and `result` are D-Bus signatures; `idempotent` lets the SDK retry after a lost instance. `access`:
    where a host says of this method alone who may call; a package says it of the whole service.
    """

    name: str
    arguments: str = ""
    result: str = ""
    idempotent: bool = False
    access: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Property:
    """`access` is `read` or `readwrite`."""

    name: str
    type: str
    access: str = "read"


@dataclass(frozen=True, slots=True)
class Service:
    """`access` says who may call: `root`, `group:NAME`, `polkit:ACTION` or `any`."""

    name: str
    interface: str
    access: str = "root"
    methods: tuple[Method, ...] = ()
    signals: tuple[Signal, ...] = ()
    properties: tuple[Property, ...] = ()


def interface_name(text: str) -> str | None:
    """A D-Bus interface name that a plugin may offer; those of the bus, the desktop and exod itself are not."""
    return text if _INTERFACE.fullmatch(text) and not _RESERVED.fullmatch(text) else None


def is_member(text: str) -> bool:
    """A name of a method, signal or property: `GetCount`."""
    return len(text) <= 63 and _MEMBER.fullmatch(text) is not None


def _service(name: str, table: Mapping[str, Any]) -> Service:
    service = Service(name, **table)
    attributes = [member.name for member in service.methods] + [member.name for member in service.properties]
    if len({attribute.lower().replace("_", "") for attribute in attributes}) != len(attributes):
        raise wrong(f"services.{name}", "two of its methods and properties have the same name in the plugin's class")
    return service


_SIGNATURE = Checked(is_signature, what="a D-Bus signature", longest=LONGEST)
_TYPE = Checked(is_single, what="one complete D-Bus type", longest=LONGEST)
_NAME = Text(_MEMBER.pattern, what="a member's name such as GetCount", longest=63)
_METHOD = Table(
    Field("in", _SIGNATURE, default="", to="arguments"),
    Field("out", _SIGNATURE, default="", to="result"),
    Field("idempotent", Flag(), default=False, help="may be repeated after a lost instance"),
)
_PROPERTY = Table(Field("type", _TYPE), Field("access", Choice("read", "readwrite"), default="read"))
_SERVICE = Table(
    Field("interface", Parsed(interface_name, what="an interface name a plugin may offer")),
    Field("access", Text(ACCESS_PATTERN, what="root, any, group:NAME or polkit:ACTION"), default="root"),
    Field("methods", Named(_NAME, _METHOD, lambda name, row: Method(name, **row), most=MEMBERS_MAX), default=()),
    Field("signals", Named(_NAME, _SIGNATURE, Signal, most=MEMBERS_MAX), default=()),
    Field("properties", Named(_NAME, _PROPERTY, lambda name, row: Property(name, **row), most=MEMBERS_MAX), default=()),
)
TABLE = Named(Name(), _SERVICE, _service, most=SERVICES_MAX)
