"""What `make soak` does with the recorder: rows that it judges, and the figures beside them. In memory: a clock that is
moved by hand does not wait for 86,400 flushes of a disk.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.recorder import day, kills

KILLS = 100
SECONDS = 86_400


def run() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    with _memory() as directory:
        struck = list(kills.run(directory, KILLS))
    with _memory() as directory:
        whole = day.live(directory, SECONDS)
    figures = {
        "kills": dict(Counter(f"by {row['by']}" for row in struck)),
        "rows written by those that were killed": struck[-1]["rows"],
        "a day of hostpulse": whole["figures"],
    }
    return [*struck, whole], figures


@contextmanager
def _memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="exod-recorder-", dir="/dev/shm") as directory:
        yield Path(directory)
