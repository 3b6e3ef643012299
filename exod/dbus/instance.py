"""The Instance interface: one object per running version of a plugin, read only."""

from typing import Any

from exod.dbus.facet import OwnFacet
from exod.dbus.failures import Standard
from exod.names import plugin_path
from exod.supervisor.supervisor import Supervisor
from exod.supervisor.views import InstanceView


class Instance(OwnFacet):
    name = "org.exoos.Exod1.Instance"

    def __init__(self, supervisor: Supervisor, instance: int) -> None:
        super().__init__()
        self._supervisor = supervisor
        self._instance = instance

    def view(self) -> InstanceView:
        view = self._supervisor.instances.get(self._instance)
        if view is None:
            raise Standard("UnknownObject", f"instance {self._instance} has ended")
        return view

    def value(self, view: object, field: str) -> Any:
        value = super().value(view, field)
        return plugin_path(value) if field == "plugin" else value
