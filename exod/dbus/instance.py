"""The Instance interface: one object per running version of a plugin, read only."""

from typing import Any

from exod.dbus.facet import OwnFacet
from exod.names import plugin_path


class Instance(OwnFacet):
    name = "org.exoos.Exod1.Instance"

    def value(self, view: object, field: str) -> Any:
        value = super().value(view, field)
        return plugin_path(value) if field == "plugin" else value
