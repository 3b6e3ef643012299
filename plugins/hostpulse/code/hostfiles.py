"""The text of eight files of the host's /proc → figures by property name, and what of them is published. Pure; formats
are those of proc(5).

Counters are the kernel's own, unchanged but for their unit: bytes instead of KiB. A field that a kernel does not have
is left out; a file that cannot be parsed raises ValueError.
"""

from collections.abc import Callable, Mapping
from typing import Any

Figures = dict[str, Any]
_CPU = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_MEMORY = {
    "MemTotal": "MemoryTotal",
    "MemAvailable": "MemoryAvailable",
    "MemFree": "MemoryFree",
    "SwapTotal": "SwapTotal",
    "SwapFree": "SwapFree",
}


def stat(text: str) -> Figures:
    rows = {name: fields for name, *fields in map(str.split, text.splitlines())}
    times = dict(zip(_CPU, map(int, rows["cpu"]), strict=False))
    return {"Cpu": times, "ContextSwitches": int(rows["ctxt"][0]), "Forks": int(rows["processes"][0])}


def meminfo(text: str) -> Figures:
    found: Figures = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name in _MEMORY:
            found[_MEMORY[name]] = int(rest.split()[0]) * 1024
    return found


def loadavg(text: str) -> Figures:
    one, five, fifteen = map(float, text.split()[:3])
    return {"Load1": one, "Load5": five, "Load15": fifteen}


def uptime(text: str) -> Figures:
    return {"Uptime": float(text.split()[0])}


def pressure(text: str, *, resource: str) -> Figures:
    """`some` avg10 in percent, and the microseconds since boot that some, or all, tasks were stalled."""
    rows = {kind: dict(field.split("=", 1) for field in fields) for kind, *fields in map(str.split, text.splitlines())}
    stalled = {kind: int(fields["total"]) for kind, fields in rows.items()}
    return {f"Pressure{resource}": float(rows["some"]["avg10"]), f"Stalled{resource}": stalled}


def network(text: str) -> Figures:
    """Interface → bytes and packets received, bytes and packets sent."""
    found = {}
    for line in text.splitlines()[2:]:
        name, _, rest = line.partition(":")
        fields = [int(field) for field in rest.split()]
        found[name.strip()] = (fields[0], fields[1], fields[8], fields[9])
    return {"Network": found}


FILES: Mapping[str, Callable[[str], Figures]] = {
    "/proc/stat": stat,
    "/proc/meminfo": meminfo,
    "/proc/loadavg": loadavg,
    "/proc/uptime": uptime,
    "/proc/pressure/cpu": lambda text: pressure(text, resource="Cpu"),
    "/proc/pressure/memory": lambda text: pressure(text, resource="Memory"),
    "/proc/pressure/io": lambda text: pressure(text, resource="Io"),
    "/proc/1/net/dev": network,
}


def busy(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Percent of all processors' time between two readings that was neither idle nor waiting for a disk."""
    spent = {name: after[name] - before.get(name, 0) for name in after}
    whole = sum(spent.values())
    idle = spent.get("idle", 0) + spent.get("iowait", 0)
    return round(100.0 * (whole - idle) / whole, 1) if whole > 0 else 0.0


PUBLISHED = {
    "cpu.busy": "CpuBusy",
    "cpu.switches": "ContextSwitches",
    "cpu.forks": "Forks",
    "memory.available": "MemoryAvailable",
    "memory.free": "MemoryFree",
    "swap.free": "SwapFree",
    "load.1": "Load1",
    "load.5": "Load5",
    "load.15": "Load15",
    "pressure.cpu": "PressureCpu",
    "pressure.memory": "PressureMemory",
    "pressure.io": "PressureIo",
}
_STALLED = {"stalled.cpu": "StalledCpu", "stalled.memory": "StalledMemory", "stalled.io": "StalledIo"}


def published(figures: Figures) -> dict[str, float]:
    """The numbers of one sample by stable names; of a file that was not read there are none."""
    found = {name: figures[figure] for name, figure in PUBLISHED.items() if figure in figures}
    found |= {name: figures[figure]["some"] for name, figure in _STALLED.items() if figure in figures}
    if "Network" in figures:
        others = [counts for name, counts in figures["Network"].items() if name != "lo"]
        found |= {"network.received": sum(row[0] for row in others), "network.sent": sum(row[2] for row in others)}
    return found
