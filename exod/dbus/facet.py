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
    """Subclasses name their interface and have one function per method. `plugin`: what they are about, for polkit."""

    name: ClassVar[str]
    interface: Interface
    reads = ANY
    writes = MANAGE
    plugin = ""

    def __init__(self, views: Mapping[Any, object], key: str | int) -> None:
        """The object's view is the one of `views` that has this key, for as long as there is one."""
        self._views = views
        self._key = key
        self.interface = shipped(self.name)
        self._functions = {member: getattr(self, snake(member)) for member in self.interface.methods}
        self._fields = {member: snake(member) for member in self.interface.properties}
        self._signalled = {
            member: self._fields[member] for member, one in self.interface.properties.items() if one.emits
        }

    def view(self) -> object:
        """Where the properties are read. Raises Standard when the object is gone."""
        view = self._views.get(self._key)
        if view is None:
            raise Standard("UnknownObject", f"{self.name.rpartition('.')[2].lower()} {self._key} is gone")
        return view

    def value(self, view: object, field: str) -> Any:
        return getattr(view, field)

    def details(self, member: str) -> Mapping[str, str]:
        return {"verb": snake(member).replace("_", " "), "plugin": self.plugin}

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
        return {name: self.value(view, field) for name, field in self._signalled.items()}
