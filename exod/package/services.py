"""The `[services.NAME]` tables: the D-Bus interfaces a plugin offers, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """`arguments` and `result` are D-Bus signatures; `idempotent` lets the SDK retry after a lost instance."""

    name: str
    arguments: str = ""
    result: str = ""
    idempotent: bool = False


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
