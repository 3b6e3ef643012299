"""A plugin's service on the bus: its manifest's interface, forwarded to the plugin, guarded on the way out.

Whatever the plugin answers or emits and did not declare is an error to that caller and a strike against the plugin;
what a caller sends wrongly is that caller's error alone. Values are never shown without asking, since reading them
needs the service's access rule and the instance.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from exod.dbus import guard
from exod.dbus.authority import ANY
from exod.dbus.guard import Unfit
from exod.dbus.introspect import Interface, Method, of_service
from exod.dbus.objects import Call, Checked
from exod.errors import Outcome, Refusal, Refused
from exod.package.services import Service, interface_name, is_member
from exod.package.signatures import is_signature, is_single
from exod.supervisor.calls import Calls
from exod.supervisor.ports import Caller, Wanted

_LISTENERS_MAX: Final = 64


def problem(service: Service) -> str:
    """Why the declaration may not be served, whatever was checked before; empty if it may."""
    if interface_name(service.interface) is None:
        return "the interface name is none, or belongs to others"
    methods, signals, properties = service.methods, service.signals, service.properties
    names = [*(one.name for one in methods), *(one.name for one in signals), *(one.name for one in properties)]
    if not all(map(is_member, names)):
        return "bad member name"
    signatures = [text for one in methods for text in (one.arguments, one.result)] + [one.arguments for one in signals]
    if not all(map(is_signature, signatures)):
        return "bad signature"
    return "" if all(is_single(one.type) for one in properties) else "bad property type"


class ServiceFacet:
    """`listeners`: the connections that passed the access rule; signals of a service that is not open go to them."""

    interface: Interface

    def __init__(self, calls: Calls, plugin: str, service: Service) -> None:
        self.interface = of_service(service)
        self.reads = self.writes = service.access
        self.service = service.name
        self.plugin = plugin
        self._calls = calls
        self._listeners: OrderedDict[str, None] = OrderedDict()

    # --- calls -----------------------------------------------------------------------------------------------------

    def details(self, member: str) -> Mapping[str, str]:
        return {"verb": f"call {member} of", "plugin": self.plugin, "service": self.service}

    async def invoke(self, call: Call, method: Method, arguments: Sequence[Any]) -> Checked:
        caller = await self._admitted(call)
        answer = await self._calls.ask(self.plugin, Wanted("method", self.service, method.name, arguments), caller)
        return Checked(self._checked(method.gives, answer, method.name))

    async def get(self, call: Call, name: str) -> Any:
        return await self._read(name, await self._admitted(call))

    async def get_all(self, call: Call) -> dict[str, Any]:
        caller = await self._admitted(call)
        return {name: await self._read(name, caller) for name in self.interface.properties}

    async def set(self, call: Call, name: str, value: Any) -> None:
        caller = await self._admitted(call)
        try:
            guard.encode(self.interface.properties[name].type, (value,))
        except Unfit as error:
            raise Unfit(f"{name} is {self.interface.properties[name].type}: {error}") from error
        await self._calls.ask(self.plugin, Wanted("set", self.service, name, (value,)), caller)

    async def _read(self, name: str, caller: Caller) -> Any:
        value = await self._calls.ask(self.plugin, Wanted("get", self.service, name), caller)
        self._checked(self.interface.properties[name].type, (value,), name)
        return value

    async def _admitted(self, call: Call) -> Caller:
        caller = call.caller or await call.authority.caller(call.sender)
        self._listeners[caller.name] = None
        self._listeners.move_to_end(caller.name)
        if len(self._listeners) > _LISTENERS_MAX:
            self._listeners.popitem(last=False)
        return caller

    def snapshot(self) -> Mapping[str, Any]:
        return {}

    # --- signals ---------------------------------------------------------------------------------------------------

    @property
    def listeners(self) -> tuple[str, ...]:
        """Destinations of a signal; the empty one is everybody."""
        return ("",) if self.reads == ANY else tuple(self._listeners)

    def forget_listeners(self) -> None:
        self._listeners.clear()

    def signal(self, name: str, arguments: Sequence[Any]) -> tuple[str, list[Any]] | None:
        """Signature and body; None, and a strike, when it is not what was declared."""
        declared = self.interface.signals.get(name)
        if declared is None:
            self._calls.strike(self.plugin, f"emitted a signal that {self.service} does not declare")
            return None
        try:
            return declared.signature, guard.encode(declared.signature, arguments)
        except Unfit as error:
            self._calls.strike(self.plugin, f"emitted {name} of {self.service} wrongly: {error}")
            return None

    def change(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `properties` that may be shown; a strike for each other."""
        good: dict[str, Any] = {}
        for name, value in properties.items():
            declared = self.interface.properties.get(name)
            try:
                if declared is None:
                    raise Unfit("it is not declared")
                guard.encode(declared.type, (value,))
                good[name] = value
            except Unfit as error:
                self._calls.strike(self.plugin, f"changed a property of {self.service} wrongly: {error}")
        return good

    def _checked(self, signature: str, values: Sequence[Any], member: str) -> list[Any]:
        try:
            return guard.encode(signature, values)
        except Unfit as error:
            self._calls.strike(self.plugin, f"answered {member} of {self.service} wrongly: {error}")
            raise Refused(
                Refusal(
                    "bad-answer",
                    f"cannot call {member} of {self.plugin}: the plugin's answer is not what it declared ({error})",
                    "report it to the plugin's author",
                    {"plugin": self.plugin, "service": self.service, "declared": signature},
                    Outcome.FAILED,
                )
            ) from error
