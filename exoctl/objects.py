"""exod's objects on the bus as plain values: properties by snake_case name, variants opened, paths kept."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from exoctl.bus import Connection
from exoctl.codec import Variant
from exoctl.faults import not_found, usage
from exod.errors import Refused
from exod.names import BUS_NAME, ROOT_PATH, is_name, plugin_path

MANAGER = f"{BUS_NAME}.Manager"
PLUGIN = f"{BUS_NAME}.Plugin"
INSTANCE = f"{BUS_NAME}.Instance"
JOB = f"{BUS_NAME}.Job"
_OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
_ABSENT = frozenset({"unknown-object", "unknown-method", "unknown-interface", "not-found"})


def plain(value: Any) -> Any:
    """A decoded value without variants; byte arrays stay bytes."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def properties(values: Mapping[str, Any]) -> dict[str, Any]:
    return {snake(name): plain(value) for name, value in values.items()}


def manager(bus: Connection, member: str, signature: str = "", *body: Any, fds: tuple[int, ...] = ()) -> list[Any]:
    return bus.call(ROOT_PATH, MANAGER, member, signature, body, fds=fds)


def managed(bus: Connection, interface: str) -> dict[str, dict[str, Any]]:
    """path → properties of all objects with that interface."""
    (objects,) = bus.call(ROOT_PATH, _OBJECT_MANAGER, "GetManagedObjects")
    return {path: properties(faces[interface]) for path, faces in objects.items() if interface in faces}


def each(bus: Connection, instances: Iterable[str], name: str) -> dict[str, Any]:
    """path → that property, for what an instance tells only when it is asked; one that ended since is left out."""
    return bus.property_of_each([path for path in instances if path != "/"], INSTANCE, name)


def plugin(bus: Connection, name: str, member: str, signature: str = "", *body: Any, verb: str) -> list[Any]:
    """A method of one plugin's object; a name that nobody has is said so in the words of the verb."""
    require_name(name, verb=verb)
    try:
        return bus.call(plugin_path(name), PLUGIN, member, signature, body)
    except Refused as error:
        if error.refusal.code in _ABSENT:
            raise Refused(no_such_plugin(name, verb=verb)) from error
        raise


def require_installed(bus: Connection, name: str, *, verb: str) -> None:
    require_name(name, verb=verb)
    try:
        bus.properties(plugin_path(name), PLUGIN)
    except Refused as error:
        if error.refusal.code in _ABSENT:
            raise Refused(no_such_plugin(name, verb=verb)) from error
        raise


def require_name(name: str, *, verb: str) -> None:
    if not is_name(name):
        raise Refused(usage(f"cannot {verb} {name}: that is not a plugin's name", "exoctl plugin list"))


def no_such_plugin(name: str, *, verb: str) -> Any:
    sentence = f"cannot {verb} {name}: no plugin of that name is installed"
    return not_found("unknown-plugin", sentence, "exoctl plugin list")
