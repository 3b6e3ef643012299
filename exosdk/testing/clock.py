"""Time for tests: it stands still until a test moves it."""

START = 1_700_000_000.0


class FakeClock:
    """A `context.Clock`; wall time and monotonic time move together."""

    def __init__(self, *, wall: float = START) -> None:
        self._wall = wall
        self._passed = 0.0

    def time(self) -> float:
        return self._wall + self._passed

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds
