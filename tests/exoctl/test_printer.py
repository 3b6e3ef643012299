import io
import json

import pytest

from exoctl.printer import Printer, clean, dumps, width
from exod.errors import Refusal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, **how: bool) -> Printer:
    return Printer(json_mode=how.get("json_mode", False), out=stream, err=io.StringIO())


def test_a_state_is_a_word_and_on_a_terminal_a_colour_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    printed(stream).table(("NAME", "STATE"), [("hello", "running"), ("x", "strange")])
    assert stream.getvalue().splitlines()[1] == "hello  \x1b[32mrunning\x1b[0m"
    assert stream.getvalue().splitlines()[2] == "x      strange"


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    printed(stream).table(("STATE",), [("running",)])
    assert stream.getvalue() == "STATE\nrunning\n"


def test_a_pipe_gets_the_same_words_in_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [("ö", "running", "a"), ("日本", "error", "b")]
    terminal, pipe = Terminal(), io.StringIO()
    printed(terminal).table(("A", "B", "C"), rows)
    printed(pipe).table(("A", "B", "C"), rows)
    assert terminal.getvalue() == pipe.getvalue()
    assert width("日本") == 4


def test_json_is_one_line_of_ascii() -> None:
    text = dumps({"a": "\x7f\x00\u202eü", "b": b"\x01", "c": object})
    assert text.isascii()
    assert "\x7f" not in text
    assert json.loads(text)["a"] == "\x7f\x00\u202eü"


def test_people_get_errors_and_the_next_step_beside_the_answer() -> None:
    out, err = io.StringIO(), io.StringIO()
    Printer(json_mode=False, out=out, err=err).refusal(Refusal("x", "cannot y: z\x1b[2J", "do w"))
    assert (out.getvalue(), err.getvalue()) == ("", "exoctl: cannot y: z\\x1b[2J\nnext: do w\n")


def test_machines_get_errors_where_they_get_answers() -> None:
    out = io.StringIO()
    printer = printed(out, json_mode=True)
    printer.refusal(Refusal("x", "cannot y: z"))
    printer.note("for people only")
    assert json.loads(out.getvalue())["error"]["code"] == "x"


def test_a_stream_that_knows_little_gets_escapes() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Printer(json_mode=False, out=stream).line("grüß")
    assert raw.getvalue() == b"gr\\xfc\\xdf\n"


def test_pairs_are_aligned_and_nothing_of_nothing_is_fine() -> None:
    stream = io.StringIO()
    printed(stream).pairs({"a": 1, "long name": "x"})
    printed(stream).pairs({})
    assert stream.getvalue() == "a:         1\nlong name: x\n"


def test_plain_words_stay_as_they_are() -> None:
    assert clean("hello, wörld — 日本 ✓") == "hello, wörld — 日本 ✓"
