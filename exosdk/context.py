"""What a plugin is given: its configuration, permissions, clock, timers, log, state directory, and its signals.

Made by the runner in a sandbox and by `exosdk.testing` in a test; it does no input or output of its own.
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from exosdk import wire
from exosdk.log import Log
from exosdk.signature import MalformedError, snake_case, split
from exosdk.timers import Timer, Timers

Value = bool | int | float | str


class Clock(Protocol):
    """Wall time in seconds since the epoch, and seconds that only go forward; the module `time` is one."""

    def time(self) -> float: ...
    def monotonic(self) -> float: ...


class Context:
    """One for the life of an instance. `state_dir` is "" where the plugin keeps nothing; else it survives restarts.

    `caller` is the bus name and uid of whoever called the method that is running, and ("", 0) between calls.
    """

    def __init__(
        self,
        go: wire.Go,
        *,
        state_dir: str,
        send: Callable[[wire.Up], None],
        clock: Clock = time,
        log: Log | None = None,
    ) -> None:
        self.plugin = go.plugin
        self.version = go.version
        self.config: Mapping[str, Value] = MappingProxyType(dict(go.config))
        self.permissions: Mapping[str, tuple[str, ...]] = MappingProxyType(dict(go.permissions))
        self.state_dir = state_dir
        self.clock = clock
        self.log = log or Log()
        self.caller = ("", 0)
        self._services = go.services
        self._send = send
        self._timers = Timers()
        self._dirty: dict[str, set[str]] = {}

    def every(self, seconds: float, function: Callable[[], Any]) -> Timer:
        """Call `function` again and again, between calls of the plugin's methods, until `stop` or `Timer.cancel`."""
        return self._timers.every(seconds, function, now=self.clock.monotonic())

    def emit(self, signal: str, *arguments: Any) -> None:
        """Send a declared signal: `context.emit("Greeted", "Ada")`. ValueError when it is not what was declared."""
        service, wanted = self._declared_signal(signal)
        if len(arguments) != wanted:
            raise MalformedError(f"the signal {signal} takes {wanted} arguments, not {len(arguments)}")
        self._send(wire.Emit(service, signal, wire.pack(arguments)))

    def changed(self, *properties: str) -> None:
        """Say that declared properties have new values; they are read and sent when the running call is over."""
        for name in properties:
            self._dirty.setdefault(self._declared_property(name), set()).add(name)

    def _declared_signal(self, signal: str) -> tuple[str, int]:
        for service in self._services:
            for declared in service.signals:
                if declared.name == signal:
                    return service.name, len(split(declared.arguments))
        raise MalformedError(f"no service declares the signal {signal}")

    def _declared_property(self, name: str) -> str:
        for service in self._services:
            if any(declared.name == name for declared in service.properties):
                return service.name
        raise MalformedError(f"no service declares the property {name}")


def reconfigure(context: Context, values: Mapping[str, Value]) -> None:
    context.config = MappingProxyType(dict(values))


def timers(context: Context) -> Timers:
    return context._timers


def flush(context: Context, plugin: object) -> None:
    """Send the properties that were said to have changed, each service's in one message, with the values of now."""
    dirty, context._dirty = context._dirty, {}
    for service, names in dirty.items():
        values = {name: getattr(plugin, snake_case(name)) for name in sorted(names)}
        context._send(wire.Changed(service, wire.pack(values)))
