"""Files of a package and what its manifest asks for → findings. Pure; whoever calls it parses what strangers wrote.

In the daemon's house only the worker does, where none of the rest of exod is to be had; an author's own process may,
with the author's own files.
"""

import ast
import codecs
import re
import warnings
from collections.abc import Iterator, Mapping

from exod.brokers.lint.findings import Finding, finding, ranked
from exod.brokers.lint.hidden import private_keys
from exod.brokers.lint.rules import RULES
from exod.brokers.lint.source import Asked, read

SOURCE_MAX = 1 << 20
"""Bytes of one Python file; its analysis takes a hundred times as much."""
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = {b"utf-8", b"utf8", b"utf_8", b"ascii", b"us-ascii"}


def examine(files: Mapping[str, bytes], asked: Asked) -> list[Finding]:
    return ranked(one for path, data in files.items() for one in look(path, data, asked))


def look(path: str, data: bytes, asked: Asked) -> list[Finding]:
    """At one file. Whatever cannot be analysed is a finding; what kills us is one of whoever started this process."""
    keys = [finding(path, line, "private-key", "a private key") for line in private_keys(data)]
    if not path.endswith(".py"):
        return keys
    line = 1
    try:
        return keys + list(_ruled(path, _parse(data), asked))
    except SyntaxError as error:
        line, reason = max(error.lineno or 1, 1), f"syntax: {error.msg}"
    except UnicodeDecodeError as error:
        line, reason = data.count(b"\n", 0, error.start) + 1, "it is not UTF-8"
    except ValueError as error:
        reason = str(error)
    except RecursionError:
        reason = "nested too deep"
    except MemoryError:
        reason = "it takes more memory than it may, or is nested too deep"
    return [*keys, finding(path, line, "unreadable", reason)]


def _parse(data: bytes) -> ast.Module:
    if len(data) > SOURCE_MAX:
        raise ValueError(f"{len(data)} bytes, at most {SOURCE_MAX} are analysed")
    for coding in filter(None, map(_CODING.match, data.split(b"\n", 2)[:2])):
        if coding[1].lower() not in _UTF8:  # the interpreter would read another text than we do
            raise ValueError(f"its encoding is {coding[1].decode('latin-1')}, not utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data.removeprefix(codecs.BOM_UTF8).decode())


def _ruled(path: str, tree: ast.Module, asked: Asked) -> Iterator[Finding]:
    source = read(path, tree)
    for rule in RULES:
        if rule.check is not None:
            for line, what in rule.check(source, asked):
                yield finding(path, line, rule.id, what)
