"""Points of a series → a chart of text: lines of braille, each letter two dots wide and four high, beside an axis.

A point is (seconds, least, mean, greatest): it stands as a stroke from the least to the greatest, and a line joins the
means of neighbours unless there is a gap between them. Draws what it is given; asks no terminal.
"""

import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise

Point = tuple[float, float, float, float]
LABEL = 11
"""Columns for the numbers beside the axis, and the axis."""
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Of a letter from U+2800 on: the dots of each row, left and right (Unicode 15.0, section 21.1)."""
_GAP = 3.0
"""Times the usual distance of two points is a gap."""
_SUFFIXES = ("", "k", "M", "G", "T", "P", "E")


def dots(width: int) -> int:
    """How many points a chart of so many columns can show."""
    return 2 * max(1, width - LABEL)


def chart(points: Sequence[Point], *, width: int, height: int) -> list[str]:
    """`height` lines at most `width` columns wide; at least one point."""
    columns = dots(width) // 2
    canvas = [[0] * columns for _ in range(height)]
    low, high = _ends(points)
    scaled = list(_scaled(points, low, high, across=2 * columns, down=4 * height))
    for x, top, _, bottom in scaled:
        for y in range(top, bottom + 1):
            _dot(canvas, x, y)
    for x, y in _joined(points, scaled):
        _dot(canvas, x, y)
    labels = {0: high, height // 2: low / 2 + high / 2, height - 1: low}
    return [_line(canvas[row], labels.get(row)) for row in range(height)]


def short(number: float) -> str:
    """At most nine letters: 5.12G, 0.034, -1.5k, 1.7e+308."""
    size, power = abs(number), 0
    if not (size == 0 or 1e-3 <= size < 1e21):
        return f"{number:.1e}"
    while size >= 999.95 and power < len(_SUFFIXES) - 1:
        size, power = size / 1000, power + 1
    return f"{'-' if number < 0 else ''}{size:.4g}{_SUFFIXES[power]}"


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    """A series that never changes runs through the middle."""
    low, high = min(point[1] for point in points), max(point[3] for point in points)
    return (low, high) if low < high else (low - 1, high + 1)


def _scaled(
    points: Sequence[Point], low: float, high: float, *, across: int, down: int
) -> Iterator[tuple[int, int, int, int]]:
    """x, and y of the greatest, the mean and the least; y grows downwards."""
    first, last = points[0][0], points[-1][0]
    for time, *values in points:
        x = round((time - first) / (last - first) * (across - 1)) if last > first else across // 2
        least, mean, greatest = (round((high / 2 - value / 2) / (high / 2 - low / 2) * (down - 1)) for value in values)
        yield x, greatest, mean, least


def _joined(points: Sequence[Point], scaled: Sequence[tuple[int, int, int, int]]) -> Iterator[tuple[int, int]]:
    steps = [after[0] - before[0] for before, after in pairwise(points)]
    usual = statistics.median(steps) if steps else 0.0
    for step, (before, after) in zip(steps, pairwise(scaled), strict=True):
        if step <= _GAP * usual:
            yield from _stroke(before[0], before[2], after[0], after[2])


def _stroke(x: int, y: int, to_x: int, to_y: int) -> Iterator[tuple[int, int]]:
    count = max(abs(to_x - x), abs(to_y - y), 1)
    for step in range(count + 1):
        yield x + round((to_x - x) * step / count), y + round((to_y - y) * step / count)


def _dot(canvas: list[list[int]], x: int, y: int) -> None:
    canvas[y // 4][x // 2] |= _BITS[y % 4][x % 2]


def _line(cells: Sequence[int], label: float | None) -> str:
    """An empty cell is a space, so that what is copied from the terminal is short."""
    beside = f"{'' if label is None else short(label):>{LABEL - 2}} {'│' if label is None else '┤'}"
    return (beside + "".join(chr(0x2800 + cell) if cell else " " for cell in cells)).rstrip()
