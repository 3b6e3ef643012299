"""Who causes how many records of what → written in full, or only counted: a flood rotates nobody's records out.

BURST at once, and one more each INTERVAL, for each event that one plugin or one user causes; the rest is one record an
interval. Whoever floods shall not slow the loop either.
"""

from collections import Counter

BURST = 64
INTERVAL = 60.0
"""Seconds."""
_CAUSES_MAX = 1024
_OTHERS = "others"


class Quota:
    """`counted`: who has none left, and how many were refused since. To look there is all that a flood costs."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str], int] = {}
        self.counted: Counter[tuple[str, str]] = Counter()

    def admits(self, event: str, by: str) -> bool:
        cause = event, by
        if cause not in self.counted:
            if cause not in self._left and len(self._left) >= _CAUSES_MAX:
                cause = event, _OTHERS
            left = self._left.get(cause, BURST)
            if left:
                self._left[cause] = left - 1
                return True
        self.counted[cause] += 1
        return False

    def settle(self) -> list[tuple[str, str, int]]:
        """(event, by, how many) that were only counted since the last time. Once an INTERVAL."""
        told = [(event, by, count) for (event, by), count in self.counted.items()]
        self.counted.clear()
        self._left = {cause: left + 1 for cause, left in self._left.items() if left + 1 < BURST}
        return told
