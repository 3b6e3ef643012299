"""The host's own figures, read here, independently of the plugin that also reads them."""

from collections.abc import Mapping
from pathlib import Path

CPU_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def counters() -> dict[str, int]:
    """Figures that only grow, by a flat name: `cpu.user`, `net.lo.rx_bytes`, `stalled.io.some`."""
    found: dict[str, int] = {}
    for line in Path("/proc/stat").read_text().splitlines():
        head, *values = line.split()
        if head == "cpu":
            found |= {f"cpu.{name}": int(value) for name, value in zip(CPU_FIELDS, values, strict=False)}
        elif head == "ctxt":
            found["context-switches"] = int(values[0])
        elif head == "processes":
            found["forks"] = int(values[0])
    return found | _network() | _stalled()


def _network() -> dict[str, int]:
    found = {}
    for line in Path("/proc/1/net/dev").read_text().splitlines()[2:]:
        name, _, rest = line.partition(":")
        values = rest.split()
        wanted = {"rx_bytes": 0, "rx_packets": 1, "tx_bytes": 8, "tx_packets": 9}
        found |= {f"net.{name.strip()}.{field}": int(values[index]) for field, index in wanted.items()}
    return found


def _stalled() -> dict[str, int]:
    found = {}
    for resource in ("cpu", "memory", "io"):
        for line in Path(f"/proc/pressure/{resource}").read_text().splitlines():
            kind, *_, total = line.split()
            found[f"stalled.{resource}.{kind}"] = int(total.removeprefix("total="))
    return found


def gauges() -> dict[str, float]:
    """Figures that go up and down: bytes of memory, load averages, seconds of uptime."""
    memory = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, value, *_ = line.split()
        memory[name.rstrip(":")] = int(value) * 1024
    load = Path("/proc/loadavg").read_text().split()
    return {
        "MemoryTotal": memory["MemTotal"],
        "MemoryAvailable": memory["MemAvailable"],
        "MemoryFree": memory["MemFree"],
        "SwapTotal": memory["SwapTotal"],
        "SwapFree": memory["SwapFree"],
        "Load1": float(load[0]),
        "Load5": float(load[1]),
        "Load15": float(load[2]),
        "Uptime": float(Path("/proc/uptime").read_text().split()[0]),
    }


def counters_of(properties: Mapping[str, object]) -> dict[str, int]:
    """HostPulse1's properties under the names `counters` uses."""
    found = {"context-switches": properties["ContextSwitches"], "forks": properties["Forks"]}
    found |= {f"cpu.{name}": value for name, value in properties["Cpu"].items() if name in CPU_FIELDS}  # type: ignore[attr-defined]
    for name, values in properties["Network"].items():  # type: ignore[attr-defined]
        fields = ("rx_bytes", "rx_packets", "tx_bytes", "tx_packets")
        found |= {f"net.{name}.{field}": value for field, value in zip(fields, values, strict=True)}
    for resource in ("cpu", "memory", "io"):
        stalled = properties[f"Stalled{resource.capitalize()}"]
        found |= {f"stalled.{resource}.{kind}": value for kind, value in stalled.items()}  # type: ignore[attr-defined]
    return found  # type: ignore[return-value]
