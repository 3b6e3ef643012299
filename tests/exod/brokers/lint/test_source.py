"""One file → what the rules look at: names as far as the file says what they are."""

import ast
import time

import pytest

from exod.brokers.lint.source import Source, read


def source(text: str) -> Source:
    return read("code/x.py", ast.parse(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import os\nos.path.join()", "os.path.join"),
        ("import os.path as p\np.join()", "os.path.join"),
        ("from os import path as p\np.join()", "os.path.join"),
        ("f()\nfrom os import fork as f", "os.fork"),
        ("__builtins__.exec()", "exec"),
        ("getattr(os, 'system')()", "os.system"),
        ("__import__('os').system()", "os.system"),
        ("import importlib\nimportlib.import_module('os').system()", "os.system"),
        ("from . import os\nos.system()", "..os.system"),
        ("x()()", ""),
        ("(lambda: 0)()", ""),
        ("def open(): ...\nopen()", ".open"),
    ],
)
def test_a_call_is_known_by_its_full_name(text: str, name: str) -> None:
    assert name in [call.name for call in source(text).calls]


def test_imports_are_known_wherever_they_hide() -> None:
    text = "def f():\n    import a.b\nfrom c import d\n__import__('e')\nfrom .g import h"
    assert {(one.name, one.line) for one in source(text).imports} == {("a.b", 2), ("c.d", 3), ("e", 4)}


def test_an_argument_is_found_by_place_and_by_name() -> None:
    [call] = source("f(1, b=2)").calls
    assert ast.unparse(call.argument() or ast.Name("no")) == "1"
    assert ast.unparse(call.argument(1, "b") or ast.Name("no")) == "2"
    assert call.argument(1, "c") is None


def test_what_is_as_deep_as_the_parser_allows_is_read_without_recursion() -> None:
    text = "x = " + "-" * 500 + "1\n" + "a" + ".b" * 500 + "()\n" + "f" + ".a('s')" * 300 + "\n"
    began = time.process_time()
    assert "a" + ".b" * 500 in [call.name for call in source(text).calls]
    assert time.process_time() - began < 10  # each link of a chain is not walked from each other one


def test_a_script_part_and_a_guarded_part_are_marked() -> None:
    text = "if __name__ == '__main__':\n    f()\ntry:\n    g()\nexcept Exception:\n    h()\n"
    assert {call.name: call.guarded for call in source(text).calls} == {"f": True, "g": True, "h": False}
