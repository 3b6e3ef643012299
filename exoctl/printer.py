"""What reaches a terminal or a pipe: text with nothing in it that a terminal obeys, JSON with one value a line.

Names, logs, errors and manifests come from strangers: every control character, bidirectional override, NUL and
unassigned code point is shown as its escape. Colour is only ever added beside a word that says the same.
"""

import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from exod.errors import Refusal

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_COLOURS = {"good": "32", "warn": "33", "bad": "31", "dim": "2", "head": "1"}
_WORDS = {
    "running": "good",
    "ok": "good",
    "warning": "warn",
    "wrong": "bad",
    "unknown": "bad",
    "accepted": "good",
    "done": "good",
    "yes": "good",
    "satisfied": "good",
    "loaded": "warn",
    "suspended": "warn",
    "loading": "warn",
    "unloading": "warn",
    "queued": "warn",
    "undoing": "warn",
    "degraded": "warn",
    "cancelled": "warn",
    "optional": "warn",
    "error": "bad",
    "refused": "bad",
    "failed": "bad",
    "missing": "bad",
    "conflict": "bad",
    "unloaded": "dim",
    "no": "dim",
}
"""The word beside the colour; what is not here has no colour."""


def clean(text: object) -> str:
    """One line of plain text: whatever could move a cursor, hide or reorder is written as `\\xNN` or `\\uNNNN`."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(_escape(letter) if unicodedata.category(letter) in _UNSAFE else letter for letter in str(text))


def _escape(letter: str) -> str:
    number = ord(letter)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def dumps(value: Any) -> str:
    """One line of printable ASCII: JSON's own escapes cover every control character."""
    return json.dumps(value, ensure_ascii=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return list(value)
    return str(value)


def width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


class Printer:
    """Where the answer goes: stdout for answers (and, as JSON, errors), stderr for people's errors and progress."""

    def __init__(self, *, json_mode: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.json_mode = json_mode
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err
        self.terminal = self._out.isatty() and not json_mode
        self.colour = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def document(self, value: Any) -> None:
        self._write(self._out, dumps(value))

    def line(self, text: object = "") -> None:
        self._write(self._out, clean(text))

    def text(self, text: str) -> None:
        """Many lines of ours or theirs, each cleaned."""
        for line in text.splitlines():
            self.line(line)

    def note(self, text: object) -> None:
        """For people only, beside the answer."""
        if not self.json_mode:
            self._write(self._err, clean(text))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Left-aligned columns, two spaces apart; the same whether it goes to a terminal or into a pipe."""
        for line in self.columns(head, rows):
            self._write(self._out, line)

    def columns(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
        """The lines of that table."""
        cells = [[clean(cell) for cell in row] for row in [head, *rows]]
        widths = [max(width(row[column]) for row in cells) for column in range(len(head))]
        for number, row in enumerate(cells):
            padded = [cell + " " * (widths[at] - width(cell)) for at, cell in enumerate(row)]
            padded[-1] = row[-1]
            painted = [self._paint(text, row[at], heading=number == 0) for at, text in enumerate(padded)]
            yield "  ".join(painted).rstrip()

    def pairs(self, values: Mapping[str, object]) -> None:
        """`name: value` lines, aligned."""
        longest = max((len(name) for name in values), default=0) + 1
        for name, value in values.items():
            shown = clean(value)
            self._write(self._out, f"{clean(name) + ':':<{longest}} {self._paint(shown, shown)}".rstrip())

    def refusal(self, refusal: Refusal) -> None:
        if self.json_mode:
            self.document({"error": error_fields(refusal)})
            return
        self._write(self._err, f"exoctl: {clean(refusal.sentence)}")
        if refusal.hint:
            self._write(self._err, f"next: {clean(refusal.hint)}")

    def _paint(self, text: str, word: str, *, heading: bool = False) -> str:
        colour = "head" if heading else _WORDS.get(word)
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour and colour else text

    def _write(self, stream: TextIO, text: str) -> None:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()


def error_fields(refusal: Refusal) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "sentence": refusal.sentence,
        "hint": refusal.hint,
        "evidence": dict(refusal.evidence),
        "outcome": refusal.outcome.name.lower(),
    }
