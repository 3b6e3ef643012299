import pytest

from exoctl.auditlog import known_checkpoints, lines, wanted
from exoctl.trail import LINE_MAX


class Pieces:
    """A log of one file, given out in small pieces, that grows while it is read."""

    def __init__(self, data: bytes, *, size: int | None = None, step: int = 5) -> None:
        self.known: dict[str, str] = {}
        self.sizes = {"a": len(data) if size is None else size}
        self._data, self._step = data, step

    def piece(self, name: str, offset: int) -> bytes:
        return self._data[offset : offset + self._step]


def test_lines_are_put_together_from_pieces() -> None:
    assert list(lines(Pieces(b"one\ntwo three\nfour\n"), "a")) == [b"one\n", b"two three\n", b"four\n"]
    assert list(lines(Pieces(b"one\ntwo"), "a", start=4)) == [b"two"]


def test_only_what_was_there_at_the_beginning_is_read() -> None:
    assert list(lines(Pieces(b"one\ntwo\n", size=4), "a")) == [b"one\n"]
    assert list(lines(Pieces(b"one\n", size=400), "a")) == [b"one\n"], "a file that shrank ends"


def test_a_line_that_never_ends_comes_in_bounded_pieces() -> None:
    found = list(lines(Pieces(b"x" * (3 * LINE_MAX), step=LINE_MAX // 2), "a"))
    assert sum(map(len, found)) == 3 * LINE_MAX
    assert max(map(len, found)) <= 2 * LINE_MAX


@pytest.mark.parametrize(("number", "seq"), [("7", 7), ("-7", 0), ("x", 0), ("9" * 30, 0)])
def test_a_number_that_is_none_is_no_checkpoint(number: str, seq: int) -> None:
    assert [one.seq for one in known_checkpoints({"seq": number, "hash": "h", "proof": "p"})] == [seq]


def test_what_has_no_fields_is_wanted_only_by_whoever_wants_all() -> None:
    assert wanted({"text": "rubbish"}, event=None, plugin=None)
    assert not wanted({"text": "rubbish"}, event="job", plugin=None)
    assert not wanted({"event": "job", "fields": {}}, event="job", plugin="hello")
