"""The Manager interface at the root: packages in, jobs out, and questions about what is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from exod.dbus.facet import OwnFacet
from exod.dbus.objects import Call
from exod.dbus.requesting import Requests, usage, verb
from exod.errors import Outcome, Refusal, Refused
from exod.names import API_LEVEL, PLUGIN_TYPES, VERSION, plugin_path
from exod.supervisor.lifecycle import State
from exod.supervisor.requests import WITH_PACKAGE, Request, Verb

_PLANNED = tuple(one for one in Verb if one not in (Verb.INSTALL, Verb.RESTORE, Verb.RESTART))


Examine = Callable[[], Awaitable[Sequence[Mapping[str, str]]]]


class Manager(OwnFacet):
    name = "org.exoos.Exod1.Manager"

    def __init__(self, requests: Requests, *, doctor: Examine) -> None:
        super().__init__({"": requests.supervisor}, "")
        self._examine = doctor
        self._requests = requests
        self._supervisor = requests.supervisor
        self._built = {"version": VERSION, "api_level": API_LEVEL}

    def value(self, view: object, field: str) -> Any:
        """The supervisor's, but for what the build says."""
        return self._built[field] if field in self._built else super().value(view, field)

    # --- packages ------------------------------------------------------------------------------------------------

    async def load(self, call: Call, package: int, options: Mapping[str, Any]) -> str:
        return self._requests.submit(await self._with_package(call, Verb.LOAD, package, options))

    async def install(self, call: Call, package: int, options: Mapping[str, Any]) -> str:
        return self._requests.submit(await self._with_package(call, Verb.INSTALL, package, options))

    async def plan_package(self, call: Call, text: str, package: int, options: Mapping[str, Any]) -> list[str]:
        return await self._requests.plan(await self._with_package(call, verb(text, WITH_PACKAGE), package, options))

    async def _with_package(self, call: Call, what: Verb, package: int, options: Mapping[str, Any]) -> Request:
        return Request(what, call.by, package=await self._requests.package(call, package), options=options)

    async def validate(self, call: Call, package: int) -> Mapping[str, Any]:
        return await self._supervisor.validate(await self._requests.package(call, package), call.by)

    # --- installed plugins ---------------------------------------------------------------------------------------

    def remove(self, call: Call, plugin: str, options: Mapping[str, Any]) -> str:
        return self._requests.submit(Request(Verb.REMOVE, call.by, plugin, options=options))

    async def plan(self, call: Call, text: str, plugin: str, options: Mapping[str, Any]) -> list[str]:
        return await self._requests.plan(Request(verb(text, _PLANNED), call.by, plugin, options=options))

    def check_capability(self, _call: Call, plugin: str, capability: str) -> tuple[bool, str]:
        return self._supervisor.check_capability(plugin, capability)

    def check_dependencies(self, _call: Call, plugin: str) -> Sequence[Sequence[str]]:
        return self._supervisor.check_dependencies(plugin)

    def find(self, _call: Call, plugin: str) -> str:
        if plugin not in self._supervisor.plugins:
            sentence = f"cannot find {plugin}: no such plugin is installed"
            raise Refused(Refusal("unknown-plugin", sentence, "exoctl plugin list", outcome=Outcome.NOT_FOUND))
        return plugin_path(plugin)

    def list_by_type(self, _call: Call, type_: str) -> list[str]:
        if type_ not in PLUGIN_TYPES:
            sentence = f"cannot list plugins: there is no type {type_}"
            raise Refused(usage("unknown-type", sentence, ", ".join(PLUGIN_TYPES)))
        return [plugin_path(name) for name, view in self._supervisor.plugins.items() if view.type == type_]

    def list_loaded(self, _call: Call) -> list[str]:
        plugins = self._supervisor.plugins.items()
        return [plugin_path(name) for name, view in plugins if State(view.state).alive]

    def list_usage(self, _call: Call) -> Sequence[Sequence[Any]]:
        return self._supervisor.list_usage()

    async def list_links(self, _call: Call) -> Sequence[Sequence[Any]]:
        return await self._supervisor.desk.links()

    # --- audit ---------------------------------------------------------------------------------------------------

    async def list_audit(self, _call: Call) -> tuple[Sequence[tuple[str, int]], Mapping[str, str]]:
        return await self._supervisor.audit.files()

    async def read_audit(self, _call: Call, file: str, offset: int) -> bytes:
        return await self._supervisor.audit.read(file, offset)

    # --- trust ---------------------------------------------------------------------------------------------------

    def list_trust(self, _call: Call) -> Sequence[Mapping[str, str]]:
        return self._supervisor.list_trust()

    async def reload(self, _call: Call) -> list[str]:
        return await self._supervisor.reload()

    async def reexecute(self, _call: Call, part: str) -> None:
        await self._supervisor.reexecute(part)

    async def recover_trust(self, call: Call) -> None:
        await self._supervisor.recover_trust(call.by)

    # --- the host ------------------------------------------------------------------------------------------------

    async def doctor(self, _call: Call) -> Sequence[Mapping[str, str]]:
        return await self._examine()

    def repairing(self, call: Call, check: str, what: str) -> None:
        self._supervisor.repairing(check, what, by=call.by)
