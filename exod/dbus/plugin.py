"""The Plugin interface: one object per installed plugin. Verbs become jobs; the rest is read."""

from collections.abc import Mapping, Sequence
from functools import partialmethod
from typing import Any, Final

from exod.dbus.facet import OwnFacet
from exod.dbus.objects import Call
from exod.dbus.requesting import Requests
from exod.names import instance_path
from exod.supervisor.requests import Request, Verb

NO_OBJECT: Final = "/"
NO_OPTIONS: Final[Mapping[str, Any]] = {}
_LOG_LINES_MAX: Final = 10_000


class Plugin(OwnFacet):
    name = "org.exoos.Exod1.Plugin"

    def __init__(self, requests: Requests, plugin: str) -> None:
        super().__init__(requests.supervisor.plugins, plugin)
        self.plugin = plugin
        self._requests = requests
        self._supervisor = requests.supervisor

    def value(self, view: object, field: str) -> Any:
        value = super().value(view, field)
        if field == "instance":
            return instance_path(value) if value else NO_OBJECT
        return value

    # --- verbs ---------------------------------------------------------------------------------------------------

    def load(self, call: Call, options: Mapping[str, Any]) -> str:
        return self._submit(Verb.LOAD, call, options)

    def configure(self, call: Call, values: Mapping[str, Any]) -> str:
        return self._submit(Verb.CONFIGURE, call, {"values": values})

    def _submit(self, verb: Verb, call: Call, options: Mapping[str, Any] = NO_OPTIONS) -> str:
        return self._requests.submit(Request(verb, call.by, self.plugin, options=options))

    unload = partialmethod(_submit, Verb.UNLOAD)
    start = partialmethod(_submit, Verb.START)
    stop = partialmethod(_submit, Verb.STOP)
    suspend = partialmethod(_submit, Verb.SUSPEND)
    resume = partialmethod(_submit, Verb.RESUME)
    enable = partialmethod(_submit, Verb.ENABLE)
    disable = partialmethod(_submit, Verb.DISABLE)

    # --- what is -------------------------------------------------------------------------------------------------

    def get_info(self, _call: Call) -> Mapping[str, Any]:
        return self._supervisor.info(self.plugin)

    def get_config(self, _call: Call) -> Mapping[str, Any]:
        return self._supervisor.config(self.plugin)

    def get_logs(self, _call: Call, lines: int) -> Sequence[str]:
        return self._supervisor.logs(self.plugin, min(lines, _LOG_LINES_MAX))
