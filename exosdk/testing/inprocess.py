"""A plugin's directory → the plugin in this very process, driven by hand: fast tests of what its code decides.

Arguments and results pass through the channel's frames, so what cannot be sent fails here as it would in a sandbox.
There are no walls: for those use `exosdk.testing.sandbox`.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from exosdk import hooks, wire
from exosdk.context import Context, timers
from exosdk.entry import UnusableError as UnusableError
from exosdk.log import Log
from exosdk.serving import Serving
from exosdk.testing import manifest
from exosdk.testing.clock import FakeClock

_CALLER = (":1.1", 0)


class Lines(Log):
    """The log in memory: what each line says, without its priority."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def _sent(self, line: bytes) -> bool:
        self.lines.append(line.decode().partition(">")[2].strip())
        return True


class InProcess:
    """`with InProcess(directory) as plugin:` is a loaded plugin; what the plugin raises, its methods raise.

    `object` is the plugin's own; `signals` and `changes` are what it said, oldest first.
    """

    def __init__(
        self, directory: str | Path, *, config: Mapping[str, Any] | None = None, state_dir: str | Path = ""
    ) -> None:
        self.clock = FakeClock()
        self.signals: list[tuple[str, list[Any]]] = []
        self.changes: list[dict[str, Any]] = []
        self._log = Lines()
        self._directory = Path(directory).resolve()
        self._config = config or {}
        self._state_dir = str(state_dir)

    def __enter__(self) -> Self:
        """Loaded, not started. Its modules are imported anew, whatever other plugin has modules of the same name."""
        self._path, self._known = list(sys.path), dict(sys.modules)
        self._forget()
        sys.path.insert(0, str(self._directory / "code"))
        self._go = manifest.go_frame(manifest.read(self._directory), config=self._config)
        self._context = Context(self._go, state_dir=self._state_dir, send=self._sent, clock=self.clock, log=self._log)
        try:
            self._serving = Serving(self._go, context=self._context, manager=hooks.manager())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        sys.path[:] = self._path
        self._forget()
        sys.modules.update({name: module for name, module in self._known.items() if name not in sys.modules})

    def _forget(self) -> None:
        """Drop the modules that stand in the code directory of this plugin, or have a name that one of those has."""
        names = {path.stem for path in (self._directory / "code").glob("*")}
        for name in [name for name in sys.modules if name.partition(".")[0] in names]:
            del sys.modules[name]

    @property
    def object(self) -> Any:
        return self._serving.plugin

    @property
    def hooks(self) -> tuple[str, ...]:
        """Those it implements, in alphabetical order."""
        return self._serving.implemented

    @property
    def log(self) -> list[str]:
        return self._log.lines

    def hook(self, name: str, **arguments: Any) -> Any:
        """Any hook: `plugin.hook("start")`. None where the plugin does not implement it."""
        return self._done(self._serving.hook(name, _carried(arguments)))

    def start(self) -> None:
        self.hook("start")

    def stop(self) -> None:
        self.hook("stop")

    def configure(self, **values: Any) -> None:
        """Changes some settings; the plugin is given all of them, as exod does."""
        self.hook("configure", values={**self._context.config, **values})

    def call(self, method: str, *arguments: Any, caller: tuple[str, int] = _CALLER) -> Any:
        """A declared method by its D-Bus name; several results come as a list, none as None."""
        service = self._having(method)
        results = self._done(self._serving.call(service, method, _carried(arguments), caller=caller))
        return results[0] if len(results) == 1 else results or None

    def get(self, name: str) -> Any:
        return self._done(self._serving.get(self._having(name), name))

    def set(self, name: str, value: Any, caller: tuple[str, int] = _CALLER) -> None:
        self._serving.set(self._having(name), name, _carried(value), caller=caller)
        self._serving.flush()

    def advance(self, seconds: float) -> None:
        """Moves the clock and runs the timers on the way, each at its time."""
        until = self.clock.monotonic() + seconds
        while (wait := timers(self._context).wait(self.clock.monotonic())) is not None:
            if self.clock.monotonic() + wait > until:
                break
            self.clock.advance(wait)
            self._serving.due(self.clock.monotonic())
            self._serving.flush()
        self.clock.advance(until - self.clock.monotonic())

    def _having(self, member: str) -> str:
        for service in self._go.services:
            if member in {one.name for one in service.methods} | {one.name for one in service.properties}:
                return service.name
        raise KeyError(f"no service declares {member}")

    def _done(self, value: Any) -> Any:
        self._serving.flush()
        return _carried(value)

    def _sent(self, frame: wire.Up) -> None:
        if isinstance(frame, wire.Emit):
            self.signals.append((frame.signal, wire.unpack(frame.arguments)))
        elif isinstance(frame, wire.Changed):
            self.changes.append(wire.unpack(frame.properties))


def _carried(value: Any) -> Any:
    """What is left of a value after its way through the channel: tuples are lists then."""
    wire.encode(wire.Reply(0, wire.pack(value)))
    return wire.unpack(wire.pack(value))
