"""The bus specification's own interfaces, the same for every object: Properties, Introspectable, Peer, ObjectManager.

Reading a property needs what the object's facet says. `GetAll("")` answers, for clients that do not know the interface.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exod.dbus import introspect
from exod.dbus.authority import ANY
from exod.dbus.codec import Variant
from exod.dbus.failures import Standard
from exod.dbus.introspect import Interface, Method
from exod.dbus.objects import Call, Checked, Facet, Objects, Run, arguments, typed
from exod.names import ROOT_PATH

INTROSPECTABLE, PEER, PROPERTIES, OBJECT_MANAGER = introspect.parse(introspect.source("org.freedesktop.DBus"))
_STANDARD: Final = {one.name: one for one in (INTROSPECTABLE, PEER, PROPERTIES, OBJECT_MANAGER)}
_MACHINE_ID: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))

Plan = Callable[[Objects, Facet | None, str], tuple[str, Run]]
"""What a call of a standard method at a path needs, and what it does."""


@dataclass(frozen=True, slots=True)
class Served:
    method: Method
    plan: Plan


def find(interface: str, member: str) -> Served | None:
    """None when the interface is not the specification's. Raises Standard for a member it does not have."""
    known = _STANDARD.get(interface)
    if known is None:
        return None
    if member not in known.methods:
        raise Standard("UnknownMethod", f"{interface} has no method {member}")
    return Served(known.methods[member], _PLANS[interface, member])


def of_object(*, root: bool) -> tuple[Interface, ...]:
    """The standard interfaces that an object shows; the ObjectManager lives at the root only."""
    return (INTROSPECTABLE, PEER, PROPERTIES, OBJECT_MANAGER) if root else (INTROSPECTABLE, PEER, PROPERTIES)


# --- Peer and Introspectable: any path, as the specification wants ------------------------------------------------


def _ping(_objects: Objects, _facet: Facet | None, _path: str) -> tuple[str, Run]:
    return ANY, lambda _call: None


def _machine_id(_objects: Objects, _facet: Facet | None, _path: str) -> tuple[str, Run]:
    return ANY, lambda _call: asyncio.to_thread(_read_machine_id)


def _read_machine_id() -> str:
    for path in _MACHINE_ID:
        if path.exists():
            return path.read_text().strip()
    raise Standard("FileNotFound", "this host has no machine id")


def _introspect(objects: Objects, _facet: Facet | None, path: str) -> tuple[str, Run]:
    return ANY, lambda _call: describe(objects, path)


def describe(objects: Objects, path: str) -> str:
    facet = objects.get(path)
    below = _children(objects, path)
    if facet is None and not below:
        raise _no_object(path)
    interfaces = [facet.interface, *of_object(root=path == ROOT_PATH)] if facet else []
    return introspect.node(interfaces, below)


def _children(objects: Objects, path: str) -> list[str]:
    prefix = path.rstrip("/") + "/"
    return sorted({other[len(prefix) :].split("/", 1)[0] for other in objects if other.startswith(prefix)})


# --- ObjectManager ------------------------------------------------------------------------------------------------


def _managed_objects(objects: Objects, _facet: Facet | None, path: str) -> tuple[str, Run]:
    if path != ROOT_PATH:
        raise Standard("UnknownInterface", f"{path} has no interface {OBJECT_MANAGER.name}")
    return ANY, lambda _call: Checked([managed(objects)])


def managed(objects: Objects) -> dict[str, dict[str, dict[str, Variant]]]:
    """All but the root. What has ended since the last turn of the loop is about to be removed, and left out."""
    found: dict[str, dict[str, dict[str, Variant]]] = {}
    for path, facet in objects.items():
        if path != ROOT_PATH:
            with contextlib.suppress(Standard):
                found[path] = shown(facet)
    return found


def shown(facet: Facet) -> dict[str, dict[str, Variant]]:
    """An object as InterfacesAdded and GetManagedObjects spell it."""
    return {facet.interface.name: typed(facet.interface, facet.snapshot())}


# --- Properties ---------------------------------------------------------------------------------------------------


def _get(_objects: Objects, facet: Facet | None, path: str) -> tuple[str, Run]:
    found = _existing(facet, path)
    return found.reads, lambda call: _get_one(found, call)


def _get_one(facet: Facet, call: Call) -> Any:
    interface, name = arguments(call.header)
    _check_interface(facet, interface)
    if name not in facet.interface.properties:
        raise Standard("UnknownProperty", f"{facet.interface.name} has no property {name}")
    return _then(facet.get(call, name), lambda value: Checked([typed(facet.interface, {name: value})[name]]))


def _get_all(_objects: Objects, facet: Facet | None, path: str) -> tuple[str, Run]:
    found = _existing(facet, path)
    return found.reads, lambda call: _get_every(found, call)


def _get_every(facet: Facet, call: Call) -> Any:
    [interface] = arguments(call.header)
    if interface in _STANDARD:
        return {}
    _check_interface(facet, interface)
    return _then(facet.get_all(call), lambda values: Checked([typed(facet.interface, values)]))


def _set(_objects: Objects, facet: Facet | None, path: str) -> tuple[str, Run]:
    found = _existing(facet, path)
    if not any(one.access != "read" for one in found.interface.properties.values()):
        raise Standard("PropertyReadOnly", f"{found.interface.name} has no property that can be written")
    return found.writes, lambda call: _set_one(found, call)


def _set_one(facet: Facet, call: Call) -> Any:
    interface, name, value = arguments(call.header)
    _check_interface(facet, interface)
    known = facet.interface.properties.get(name)
    if known is None:
        raise Standard("UnknownProperty", f"{facet.interface.name} has no property {name}")
    if known.access == "read":
        raise Standard("PropertyReadOnly", f"{name} cannot be written")
    return facet.set(call, name, value)


def _existing(facet: Facet | None, path: str) -> Facet:
    if facet is None:
        raise _no_object(path)
    return facet


def _no_object(path: str) -> Standard:
    return Standard("UnknownObject", f"there is no object {path}")


def _check_interface(facet: Facet, interface: str) -> None:
    if interface not in ("", facet.interface.name):
        raise Standard("UnknownInterface", f"this object has no properties of {interface}")


def _then(result: Any, do: Callable[[Any], Any]) -> Any:
    return _after(result, do) if inspect.isawaitable(result) else do(result)


async def _after(result: Awaitable[Any], do: Callable[[Any], Any]) -> Any:
    return do(await result)


_PLANS: Final[Mapping[tuple[str, str], Plan]] = {
    (PEER.name, "Ping"): _ping,
    (PEER.name, "GetMachineId"): _machine_id,
    (INTROSPECTABLE.name, "Introspect"): _introspect,
    (OBJECT_MANAGER.name, "GetManagedObjects"): _managed_objects,
    (PROPERTIES.name, "Get"): _get,
    (PROPERTIES.name, "GetAll"): _get_all,
    (PROPERTIES.name, "Set"): _set,
}
