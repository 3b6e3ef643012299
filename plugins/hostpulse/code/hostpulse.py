"""Samples this host through the files its manifest asks for; shows the figures as properties of a service, and
publishes them to whoever subscribed.
"""

import json
from collections.abc import Callable
from typing import Any

from hostfiles import FILES, Figures, busy, published

from exosdk import Context, Timer, hookimpl

ANNOUNCE_SECONDS = 1.0
"""PropertiesChanged is sent at most this often, however short the interval."""
TOPIC = "host"
"""One message a sample: a flat map of names to numbers, in JSON."""
_EMPTY: Figures = {
    "Cpu": {},
    "CpuBusy": 0.0,
    "ContextSwitches": 0,
    "Forks": 0,
    "MemoryTotal": 0,
    "MemoryAvailable": 0,
    "MemoryFree": 0,
    "SwapTotal": 0,
    "SwapFree": 0,
    "Load1": 0.0,
    "Load5": 0.0,
    "Load15": 0.0,
    "Uptime": 0.0,
    "PressureCpu": 0.0,
    "PressureMemory": 0.0,
    "PressureIo": 0.0,
    "StalledCpu": {},
    "StalledMemory": {},
    "StalledIo": {},
    "Network": {},
    "Missing": [],
    "Samples": 0,
    "SampledAt": 0.0,
}


def read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


class HostPulse:
    """Every figure is 0 or empty until the first sample, and stays at its last value when its file is missing."""

    def __init__(self, context: Context, read: Callable[[str], str] = read) -> None:
        self._context = context
        self._read = read
        self._figures = dict(_EMPTY)
        self._shown = dict(_EMPTY)
        self._announced = float("-inf")
        self._timer: Timer | None = None

    @hookimpl
    def start(self) -> None:
        self._schedule()
        self._tick()

    @hookimpl
    def configure(self) -> None:
        if self._timer is not None:
            self._schedule()

    @hookimpl
    def stop(self) -> None:
        self._timer = None

    @hookimpl
    def resume(self) -> None:
        self._tick()

    @hookimpl
    def health(self) -> str:
        missing = self._figures["Missing"]
        return f"cannot read {', '.join(missing)}" if missing else ""

    def sample(self) -> int:
        """Read all files now; the number of this sample."""
        figures: Figures = {"Missing": []}
        for path, parse in FILES.items():
            try:
                figures |= parse(self._read(path))
            except (OSError, ValueError, KeyError, IndexError):
                figures["Missing"].append(path)
        if "Cpu" in figures:
            figures["CpuBusy"] = busy(self._figures["Cpu"], figures["Cpu"])
        number = int(self._figures["Samples"]) + 1
        self._figures |= figures | {"Samples": number, "SampledAt": self._context.clock.time()}
        if "ipc" in self._context.permissions:  # a host's owner may withhold it
            self._context.publish(TOPIC, json.dumps(published(figures)).encode())
        self._announce()
        return number

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._context.every(float(self._context.config["interval"]), self._tick)

    def _tick(self) -> None:
        missing = self._figures["Missing"]
        self.sample()
        if self._figures["Missing"] != missing:
            self._context.log.warning("degraded: %s", self.health() or "all files can be read again")

    def _announce(self) -> None:
        now = self._context.clock.monotonic()
        if now - self._announced < ANNOUNCE_SECONDS:
            return
        changed = [name for name, value in self._figures.items() if value != self._shown[name]]
        self._announced = now
        self._shown = dict(self._figures)
        self._context.changed(*changed)


def _figure(name: str) -> Any:
    return property(lambda self: self._figures[name], doc=f"The last sample's {name}.")


for _name in _EMPTY:
    _words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in _name)
    setattr(HostPulse, _words.strip("_"), _figure(_name))
