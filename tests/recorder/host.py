"""A host that lives by a seed: the text of the files of /proc that hostpulse reads, a second older at every `pass_`.

Its figures move as those of a small server do: load comes and goes within minutes, memory in pages, counters by what
that load does.
"""

import math
from random import Random

TICKS = 100
CORES = 2
_PAGE = 4


class Host:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._ticks = dict.fromkeys(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), 0)
        self._switches = self._forks = 0
        self._free, self._cached = 1_500_000, 2_000_000
        self._load = [0.2, 0.2, 0.2]
        self._demand = 0.3
        self._stall = dict.fromkeys(("cpu", "memory", "io"), 0)
        self._recent = dict.fromkeys(("cpu", "memory", "io"), 0.0)
        self._net = [0, 0, 0, 0]
        self._uptime = 1000.0

    def pass_(self, seconds: float) -> None:
        random = self._random
        pull = random.choice((2.0, 0.1)) if random.random() < 0.005 else 0.3
        self._demand = max(0.01, self._demand + 0.02 * (pull - self._demand) + random.gauss(0, 0.05))
        self._uptime += seconds
        busy = min(self._demand, CORES)
        self._work(busy * seconds * TICKS, CORES * seconds * TICKS)
        self._switches += round(seconds * (400 + busy * 3000) * random.uniform(0.8, 1.2))
        self._forks += round(busy * 5 * random.random())
        self._free = max(100_000, self._free + _PAGE * round(random.gauss(0, 300)))
        self._cached = max(100_000, self._cached + _PAGE * round(random.gauss(2, 40)))
        for at, period in enumerate((60, 300, 900)):
            decay = math.exp(-seconds / period)
            self._load[at] = self._load[at] * decay + self._demand * (1 - decay)
        for name, share in (
            ("cpu", max(0.0, self._demand - 1.5)),
            ("memory", 0.0),
            ("io", max(0.0, random.gauss(-2, 1))),
        ):
            stalled = min(1.0, share) * seconds
            self._stall[name] += round(stalled * 1e6)
            self._recent[name] = self._recent[name] * math.exp(-seconds / 10) + 100 * stalled * (1 - math.exp(-0.1))
        packets = random.randrange(20) + (random.randrange(2000) if random.random() < 0.05 else 0)
        for at, amount in enumerate((packets * random.randrange(60, 1400), packets, packets * 90, packets)):
            self._net[at] += amount

    def _work(self, busy: float, whole: float) -> None:
        shares = {"user": 0.7 * busy, "system": 0.25 * busy, "softirq": 0.05 * busy, "idle": whole - busy}
        for name, amount in shares.items():
            self._ticks[name] += int(amount) + (self._random.random() < amount % 1)

    def read(self, path: str) -> str:
        name = path.rpartition("/")[2]
        if name == "stat":
            ticks = " ".join(map(str, self._ticks.values()))
            return f"cpu  {ticks} 0 0\nctxt {self._switches}\nprocesses {self._forks}\n"
        if name == "meminfo":
            available = self._free + self._cached
            return (
                f"MemTotal: 4000000 kB\nMemFree: {self._free} kB\nMemAvailable: {available} kB\n"
                "SwapTotal: 0 kB\nSwapFree: 0 kB\n"
            )
        if name == "loadavg":
            return " ".join(f"{load:.2f}" for load in self._load) + " 1/95 16357\n"
        if name == "uptime":
            return f"{self._uptime:.2f} 0.00\n"
        if name == "dev":
            received, packets, sent, out = self._net
            none = "0 " * 6
            return f"\n\n  lo: {'9 ' * 16}\n  eth0: {received} {packets} {none}{sent} {out} {none}\n"
        some = f"some avg10={self._recent[name]:.2f} avg60=0.00 avg300=0.00 total={self._stall[name]}\n"
        return some + some.replace("some", "full")
