"""Every order of memory that the ring asks for: what goes wrong without it, where it stands, which it is of a model.

queue.pml and bell.pml try all others when WEAK is that number; the sanitizer of threads is given a copy without it.
"""

import re
from pathlib import Path
from typing import NamedTuple

RING = Path(__file__).parents[3] / "exosdk/ring"
ORDER = re.compile(r"memory_order_(?:acquire|release|acq_rel|seq_cst|consume)")


class Order(NamedTuple):
    file: str
    strong: str
    model: str
    weak: int
    kind: int = 0
    """Of the model: 1 for what is lent, and for the doorbell."""


FENCE = "atomic_thread_fence(memory_order_seq_cst);"
ORDERS = {
    "a message is said to be there before it is":
        Order("_core.h", "header(ring->at, size, type, flags), memory_order_release", "queue", 1),
    "a batch is said to be there before it is":
        Order("_core.h", "first->header, header, memory_order_release", "queue", 2),
    "room is written to before the word that it is free":
        Order("_core.h", "theirs->head, memory_order_acquire", "queue", 3),
    "a payload is read before the word that it is there":
        Order("_core.h", "ring->at)->header, memory_order_acquire", "queue", 4),
    "room is given back before it was read out":
        Order("_core.h", "mine->head, ring->at, memory_order_release", "queue", 5),
    "a chunk is given back before it was read out":
        Order("_core.h", "word, memory_order_release", "queue", 6, 1),
    "a chunk is written to before the word that it came back":
        Order("_core.h", "(place, memory_order_acquire", "queue", 7, 1),
    "whether the other side sleeps is read before it can see the message":
        Order("_bell.h", f"{FENCE}\n    uint32_t asleep", "bell", 1),
    "the last look is before the other side can see that one sleeps":
        Order("_bell.h", f"RING_NAPS, memory_order_relaxed);\n    {FENCE}", "bell", 2),
    "the last look is before the other side can see that one listens":
        Order("_doorbell.c", f"RING_LISTENS, memory_order_relaxed);\n        {FENCE}", "bell", 2, 1),
}  # fmt: skip


def asked_for() -> int:
    """In all of the ring's files."""
    return sum(len(ORDER.findall(path.read_text())) for path in RING.glob("_*.[ch]"))
