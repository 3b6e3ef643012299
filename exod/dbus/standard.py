"""The bus specification's own interfaces, the same for every object: Properties, Introspectable, Peer, ObjectManager.

Reading a property needs what the object's facet says. `GetAll("")` answers, for clients that do not know the interface.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from exod.dbus import introspect
from exod.dbus.authority import ANY
from exod.dbus.codec import Header, Variant
from exod.dbus.failures import Standard
from exod.dbus.introspect import Interface, Method
from exod.dbus.objects import Call, Checked, Facet, Objects, Run, arguments, typed
from exod.names import ROOT_PATH

INTROSPECTABLE, PEER, PROPERTIES, OBJECT_MANAGER = introspect.parse(introspect.source("org.freedesktop.DBus"))
_STANDARD: Final = {one.name: one for one in (INTROSPECTABLE, PEER, PROPERTIES, OBJECT_MANAGER)}
_MACHINE_ID: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def find(interface: str, member: str) -> Method | None:
    """None when the interface is not the specification's. Raises Standard for a member it does not have."""
    known = _STANDARD.get(interface)
    if known is None:
        return None
    if member not in known.methods:
        raise Standard("UnknownMethod", f"{interface} has no method {member}")
    return known.methods[member]


def plan(objects: Objects, facet: Facet | None, header: Header) -> tuple[str, Run]:
    """What a call of a standard method needs, and what it does. Its object is the one of now, whatever replaces it."""
    if do := _ANYWHERE.get(header.member):
        return ANY, partial(do, objects)
    if facet is None:
        raise _no_object(header.path)
    if header.member != "Set":
        return facet.reads, partial(_get if header.member == "Get" else _get_all, facet)
    if not any(one.access != "read" for one in facet.interface.properties.values()):
        raise Standard("PropertyReadOnly", f"{facet.interface.name} has no property that can be written")
    return facet.writes, partial(_set, facet)


def of_object(*, root: bool) -> tuple[Interface, ...]:
    """The standard interfaces that an object shows; the ObjectManager lives at the root only."""
    return (INTROSPECTABLE, PEER, PROPERTIES, OBJECT_MANAGER) if root else (INTROSPECTABLE, PEER, PROPERTIES)


# --- Peer and Introspectable: any path, as the specification wants ------------------------------------------------


def _read_machine_id() -> str:
    for path in _MACHINE_ID:
        if path.exists():
            return path.read_text().strip()
    raise Standard("FileNotFound", "this host has no machine id")


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


def _managed_objects(objects: Objects, call: Call) -> Checked:
    if call.header.path != ROOT_PATH:
        raise Standard("UnknownInterface", f"{call.header.path} has no interface {OBJECT_MANAGER.name}")
    return Checked([managed(objects)])


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


def _get(facet: Facet, call: Call) -> Any:
    interface, name = arguments(call.header)
    _check_interface(facet, interface)
    if name not in facet.interface.properties:
        raise Standard("UnknownProperty", f"{facet.interface.name} has no property {name}")
    return _then(facet.get(call, name), lambda value: Checked([typed(facet.interface, {name: value})[name]]))


def _get_all(facet: Facet, call: Call) -> Any:
    [interface] = arguments(call.header)
    if interface in _STANDARD:
        return {}
    _check_interface(facet, interface)
    return _then(facet.get_all(call), lambda values: Checked([typed(facet.interface, values)]))


def _set(facet: Facet, call: Call) -> Any:
    interface, name, value = arguments(call.header)
    _check_interface(facet, interface)
    known = facet.interface.properties.get(name)
    if known is None:
        raise Standard("UnknownProperty", f"{facet.interface.name} has no property {name}")
    if known.access == "read":
        raise Standard("PropertyReadOnly", f"{name} cannot be written")
    return facet.set(call, name, value)


def _no_object(path: str) -> Standard:
    return Standard("UnknownObject", f"there is no object {path}")


def _check_interface(facet: Facet, interface: str) -> None:
    if interface not in ("", facet.interface.name):
        raise Standard("UnknownInterface", f"this object has no properties of {interface}")


def _then(result: Any, do: Callable[[Any], Any]) -> Any:
    return _after(result, do) if inspect.isawaitable(result) else do(result)


async def _after(result: Awaitable[Any], do: Callable[[Any], Any]) -> Any:
    return do(await result)


_ANYWHERE: Final[Mapping[str, Callable[[Objects, Call], Any]]] = {
    "Ping": lambda _objects, _call: None,
    "GetMachineId": lambda _objects, _call: asyncio.to_thread(_read_machine_id),
    "Introspect": lambda objects, call: describe(objects, call.header.path),
    "GetManagedObjects": _managed_objects,
}
"""Those that need no object where they are called: no name is in two of the specification's interfaces."""
