"""Many plugins that all publish to each other: who hears how much of whom, and what it costs each of them.

Each publishes a count, again and again, under a topic to which all others subscribe; so there is a link from each to
each. Run with `count` plugins and `rounds` messages of each.
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.talkers import opened


@dataclass(frozen=True)
class Heard:
    """links: (sender, receiver). counts: receiver → sender → how many it heard; half: when the first sender was half
    through. wrong: what came out of order or twice. missed: what did not come; dropped: what its senders had no room
    for. memory: bytes of each, rings included.
    """

    links: frozenset[tuple[str, str]]
    counts: Mapping[str, Mapping[str, int]]
    half: Mapping[str, Mapping[str, int]]
    wrong: int
    missed: int
    dropped: int
    memory: Mapping[str, int]
    files: Mapping[str, int]

    def unfairness(self) -> float:
        """How many times more of one sender was heard than of another, at whichever receiver that is most."""
        return max(max(of.values()) / max(1, min(of.values())) for of in self.half.values())


def run(directory: Path, *, count: int, rounds: int) -> Heard:
    names = [f"copy-{number:02}" for number in range(count)]
    with opened(directory) as talkers:
        for name in names:
            talkers.load(name)
        for name in names:
            talkers.run(name, f"self.join({rounds})")
        talkers.run(names[0], "context.publish('go', b'')")
        talkers.run(names[0], "self.go()")
        whole = lambda found: len(found) == count - 1 and min(found.values()) >= rounds  # noqa: E731
        counts = {name: talkers.until(name, "self.ticks", whole) for name in names}
        half = {name: talkers.run(name, "self.half") for name in names}
        wrong, missed = (sum(talkers.run(name, what) for name in names) for what in ("self.wrong", "self.missed"))
        rows = talkers.shop.daemon.exoctl("link", "list")
        shown = {row["plugin"]: row for row in talkers.shop.daemon.exoctl("top", "--once")["instances"]}
    memory = {name: int(row["memory"]) for name, row in shown.items()}
    files = {name: int(row["files"]) for name, row in shown.items()}
    links, dropped = frozenset((row["from"], row["to"]) for row in rows), sum(row["drops"] for row in rows)
    return Heard(links, counts, half, wrong, missed, dropped, memory, files)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        heard = run(Path(place) / "mesh", count=int(sys.argv[1]), rounds=int(sys.argv[2]))
    figures = {"links": len(heard.links), "unfairness": round(heard.unfairness(), 2), "wrong": heard.wrong}
    figures |= {
        "missed": heard.missed,
        "dropped": heard.dropped,
        "memory": max(heard.memory.values()) >> 20,
        "files": max(heard.files.values()),
    }
    sys.stdout.write(f"{figures}\n")
