"""Whatever strangers wrote is a finding or clean code, and never an exception."""

import pytest

from exod.brokers.lint.examine import SOURCE_MAX, examine, look
from exod.brokers.lint.source import Asked

UNREADABLE = {
    "syntax": b"def f(:\n",
    "two": b"x = 1\nprint 'hello'\n",
    "nul": b"x = 1\0\n",
    "not-utf8": b"x = '\xff'\n",
    "latin-cookie": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "utf7-cookie": b"#!/usr/bin/python\n# vim: set fileencoding=utf-7 :\n",
    "parentheses": b"(" * 5000,
    "minus": b"-" * 50_000 + b"1",
    "attributes": b"x = a" + b".b" * 50_000,
    "digits": b"x = " + b"9" * 10_000,
    "indent": b"".join(b" " * i + b"if 1:\n" for i in range(150)),
    "huge": b"#" * (SOURCE_MAX + 1),
}
SOUND = {
    "empty": b"",
    "bom": b"\xef\xbb\xbfx = 1\n",
    "cookie": b"# -*- coding: utf-8 -*-\nx = '\xc3\xa9'\n",
    "late-cookie": b"\n\n# coding: utf-7\n",
    "names": "ä = '\\N{BULLET}'\n".encode(),
    "warned": b"x = '\\d' is 1\n",
    "escape": b"x = '\\udfff'\n",
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_analysed_is_a_finding(data: bytes) -> None:
    [one] = look("code/x.py", data, Asked())
    assert one.rule == "unreadable"
    assert one.error


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_what_can_be_read_is_read(data: bytes) -> None:
    assert look("code/x.py", data, Asked()) == []


def test_the_line_of_what_is_wrong_is_said() -> None:
    assert look("code/x.py", UNREADABLE["two"], Asked())[0].line == 2
    assert look("code/x.py", b"\n\nx = '\xff'", Asked())[0].line == 3


def test_other_files_are_not_read_as_code() -> None:
    assert look("assets/x.txt", b"def f(:", Asked()) == []


def test_one_bad_file_does_not_hide_another() -> None:
    files = {"code/a.py": b"def f(:", "code/b.py": b"import exod", "assets/c.txt": b"import exod"}
    assert [(one.path, one.rule) for one in examine(files, Asked())] == [
        ("code/a.py", "unreadable"),
        ("code/b.py", "daemon-internals"),
    ]
