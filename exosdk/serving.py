"""One call at a time into the plugin's object: hooks, methods, properties → the payload of a reply, or an exception.

Used by the runner in a sandbox and by the test kit in a process, so that both behave alike.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from exosdk import entry, hooks, wire
from exosdk.context import Context, flush, guests, mail, reconfigure, timers
from exosdk.signature import MalformedError, snake_case, split

if TYPE_CHECKING:
    from exosdk.links import In
    from exosdk.mail import Mail

PLUGIN_UID = -1
"""Of a caller that is a plugin, and no user of the host."""
_LEADS_TO = {"start": "running", "stop": "loaded", "suspend": "suspended", "resume": "running"}
"""Hook → the state of a plugin whose hook has returned."""


class Serving:
    """A plugin that is loaded. Raises `entry.UnusableError` when it cannot be."""

    def __init__(self, go: wire.Go, *, context: Context, manager: hooks.Manager) -> None:
        self.context = context
        self._services = {service.name: service for service in go.services}
        self._hooks = manager.hook
        self.state = "loaded"
        self.plugin = entry.make(entry.load(go.entry), context=context)
        self.implemented = entry.register(manager, self.plugin, plugin_type=go.type)
        entry.check(self.plugin, go.services)
        if (found := mail(context)) is not None:
            self._connect(found)

    def hook(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The hook's result; None where the plugin does not implement it."""
        if name not in hooks.ALL:
            raise MalformedError(f"there is no hook {name}")
        if name == "configure":
            return self._configure(dict(arguments["values"]))
        if name == "start":
            arguments = {**arguments, "context": self.context}
        try:
            result = getattr(self._hooks, name)(**arguments)
        finally:
            if name == "stop":
                timers(self.context).clear()
                for guest in guests(self.context):
                    guest.stop()
                self._end_mail()
        self.state = _LEADS_TO.get(name, self.state)
        if (found := mail(self.context)) is not None:
            found.exchange.running = self.state == "running"
        return result

    def _configure(self, values: dict[str, Any]) -> Any:
        before = self.context.config
        reconfigure(self.context, values)
        try:
            return self._hooks.configure(values=values)
        except BaseException:
            reconfigure(self.context, before)
            raise

    def _end_mail(self) -> None:
        if (found := mail(self.context)) is not None:
            found.stop()

    def _connect(self, found: "Mail") -> None:
        """Its messages reach the plugin's hooks and services."""
        if "on_message" in self.implemented:
            found.on_message = lambda message: self._hooks.on_message(
                type=message.type, sender=message.sender, data=message.data, message=message
            )
        if "link_lost" in self.implemented:
            found.on_lost = lambda peer, unread: self._hooks.link_lost(peer=peer, unread=unread)
        found.on_call = self._answer

    def _answer(self, link: "In", data: Any) -> bytes:
        """A call over a link. Who may call is exod's word; what is called with, the caller's."""
        from exosdk import fit
        from exosdk.remote import plain

        asked = plain(data)
        if not (isinstance(asked, list) and len(asked) == 3 and isinstance(asked[2], list)):
            raise MalformedError("the call is none")
        service, declared = self._offered(asked[0], asked[1])
        if f"{service}.{declared.name}" not in link.calls:
            raise PermissionError(f"{link.peer} may not call {service}.{declared.name}")
        fit.check(declared.arguments, asked[2])
        results = self.call(service, declared.name, asked[2], caller=(f"plugin:{link.peer}", PLUGIN_UID))
        fit.check(declared.result, results)
        return bytes(wire.pack(results))

    def call(self, service: str, method: str, arguments: Sequence[Any], *, caller: tuple[str, int]) -> list[Any]:
        """The values of the declared result: none, one, or several."""
        declared = self._find(self._service(service).methods, method)
        self.context.caller = caller
        try:
            result = getattr(self.plugin, snake_case(method))(*arguments)
        finally:
            self.context.caller = ("", 0)
        return _results(result, len(split(declared.result)))

    def get(self, service: str, name: str) -> Any:
        self._find(self._service(service).properties, name)
        return getattr(self.plugin, snake_case(name))

    def set(self, service: str, name: str, value: Any, *, caller: tuple[str, int]) -> None:
        declared = self._find(self._service(service).properties, name)
        if declared.access != "readwrite":
            raise MalformedError(f"the property {name} of service {service} is read-only")
        self.context.caller = caller
        try:
            setattr(self.plugin, snake_case(name), value)
        finally:
            self.context.caller = ("", 0)
        self.context.changed(name)

    def due(self, now: float) -> Any:
        """Run one timer that is due; returns whether there was one."""
        timer = timers(self.context).take(now)
        if timer is not None:
            timer.function()
        return timer is not None

    def flush(self) -> None:
        """Send the property changes that the last call announced."""
        flush(self.context, self.plugin)

    def _offered(self, service: Any, method: Any) -> tuple[str, wire.Method]:
        """The service and the method that a caller means, who need not name a service where only one has the method."""
        for name, one in self._services.items():
            if service in ("", name):
                for declared in one.methods:
                    if declared.name == method:
                        return name, declared
        raise MalformedError("there is no such method")

    def _service(self, name: str) -> wire.Service:
        if name not in self._services:
            raise MalformedError(f"there is no service {name}")
        return self._services[name]

    @staticmethod
    def _find(members: Sequence[Any], name: str) -> Any:
        for member in members:
            if member.name == name:
                return member
        raise MalformedError(f"there is no member {name}")


def _results(result: Any, declared: int) -> list[Any]:
    if declared == 1:
        return [result]
    values = [] if result is None else list(result) if isinstance(result, (tuple, list)) else [result]
    if len(values) != declared:
        raise MalformedError(f"the method returned {len(values)} values, the manifest declares {declared}")
    return values
