"""Two sealed memories → a queue of messages from one process to one other, that no kernel and no lock stands between.

Refuses a memory that is not sealed or has another size, and whatever the other end writes that no ring writes. May not
be used by two processes at one end, nor without a supervisor that made both memories and hands them over.
"""

from exosdk.ring._ring import MESSAGE_MAX, PAGE, SLOT, UNIT, Borrowed, BrokenError, Consumer, Loan, Producer

__all__ = [
    "MESSAGE_MAX", "PAGE", "SLOT", "UNIT", "Borrowed", "BrokenError", "Consumer", "Loan", "Producer", "memories"
]  # fmt: skip


def memories(slots: int, *, arena: int = 0) -> tuple[int, int]:
    """Bytes of the memory that the producer writes, and of the one that the consumer writes."""
    return PAGE + _pages(slots * SLOT) + arena, PAGE + _pages(arena // UNIT * 8)


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
