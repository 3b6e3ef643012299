"""The daemon's own objects: an interface of the shipped XML, bound to functions by name and to a view's fields.

A method that the XML has and the class has not is found when the object is made, not when somebody calls it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from exod.dbus.authority import ANY
from exod.dbus.failures import Standard
from exod.dbus.introspect import MANAGE, Interface, Method, shipped
from exod.dbus.objects import Call

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def snake(member: str) -> str:
    """`ProcessId` → `process_id`, as functions and views spell it."""
    return _HUMP.sub("_", member).lower()


class OwnFacet:
    """Subclasses name their interface, say what `view` is, and have one function per method."""

    name: ClassVar[str]
    interface: Interface
    reads = ANY
    writes = MANAGE

    def __init__(self) -> None:
        self.interface = shipped(self.name)
        self._functions = {member: getattr(self, snake(member)) for member in self.interface.methods}
        self._fields = {member: snake(member) for member in self.interface.properties}

    def view(self) -> object:
        """Where the properties are read. Raises Standard when the object is gone."""
        raise Standard("UnknownObject", "it is gone")

    def value(self, view: object, field: str) -> Any:
        return getattr(view, field)

    def subject(self) -> Mapping[str, str]:
        """What a person who authenticates should see beside the verb."""
        return {}

    def details(self, member: str) -> Mapping[str, str]:
        return {"verb": snake(member).replace("_", " "), "plugin": "", **self.subject()}

    def invoke(self, call: Call, method: Method, arguments: Sequence[Any]) -> Any:
        return self._functions[method.name](call, *arguments)

    def get(self, _call: Call, name: str) -> Any:
        return self.value(self.view(), self._fields[name])

    def get_all(self, _call: Call) -> dict[str, Any]:
        view = self.view()
        return {name: self.value(view, field) for name, field in self._fields.items()}

    def set(self, _call: Call, name: str, _value: Any) -> Any:
        raise Standard("PropertyReadOnly", f"{name} cannot be written")

    def snapshot(self) -> Mapping[str, Any]:
        """Without those that are read when asked and never signalled."""
        view = self.view()
        return {
            name: self.value(view, field)
            for name, field in self._fields.items()
            if self.interface.properties[name].emits
        }
