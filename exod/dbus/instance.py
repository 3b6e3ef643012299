"""The Instance interface: one object per running version of a plugin, read only."""

from dataclasses import asdict
from typing import Any

from exod.dbus.facet import OwnFacet
from exod.names import plugin_path
from exod.supervisor.views import InstanceView

USED = frozenset(["memory", "cpu_time", "cpu_percent", "files", "tasks", "io", "storage"])
"""Properties that are fields of a Usage."""


class Instance(OwnFacet):
    name = "org.exoos.Exod1.Instance"

    def value(self, view: object, field: str) -> Any:
        assert isinstance(view, InstanceView)
        if field in USED:
            return getattr(view.usage(), field)
        if field == "pressure":
            return view.pressure()
        if field == "limits":
            return {name.replace("_", "-"): float(most) for name, most in asdict(view.limits).items()}
        value = super().value(view, field)
        return plugin_path(value) if field == "plugin" else value
