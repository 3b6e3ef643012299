"""What hides what a plugin does: code that is computed, stored, packed, or imported under a name nobody can read."""

import ast
import re
from collections.abc import Iterator

from exod.brokers.lint.source import IMPORTERS, Asked, Source

Found = Iterator[tuple[int, str]]
_RUN = {"eval", "exec", "compile"}
_RUN_FILES = {
    "runpy.run_path",
    "importlib.util.spec_from_file_location",
    "importlib.machinery.SourceFileLoader",
    "importlib.machinery.SourcelessFileLoader",
}
_STORED = {"marshal.loads", "marshal.load", "types.CodeType", "zipimport.zipimporter"}
_PICKLES = {"pickle.loads", "pickle.load", "pickle.Unpickler", "_pickle.loads", "shelve.open", "dill.loads"}
_ENCODED = re.compile(r"[!-~]+")
_TEXT_BYTES = bytes(range(32, 127)) + b"\t\r\n"
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----(?:\\r|\\n|\s)+[A-Za-z0-9+/=]{40}")


def computed_code(source: Source, _: Asked) -> Found:
    for call in source.calls:
        if call.name in _RUN_FILES:
            yield call.line, f"{call.name} runs a file that nobody has looked at"
        elif call.name in _RUN and not isinstance(call.argument(keyword="source"), ast.Constant | None):
            yield call.line, f"{call.name}() of what is computed"


def stored_code(source: Source, _: Asked) -> Found:
    for call in source.calls:
        if call.name in _STORED:
            yield call.line, f"{call.name}() makes code of data"


def packed_code(source: Source, _: Asked) -> Found:
    for value, line in source.constants:
        if packed(value):
            yield line, f"a constant of {len(value)} encoded characters"


def packed(value: str | bytes) -> bool:
    """Without a space where people and formats put them, or mostly not text at all."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    binary = isinstance(value, bytes) and len(value.translate(None, _TEXT_BYTES)) * 10 > len(value)
    return binary or _ENCODED.fullmatch(text) is not None


def computed_import(source: Source, _: Asked) -> Found:
    for call in source.calls:
        if call.name in IMPORTERS and not isinstance(call.argument(keyword="name"), ast.Constant | None):
            yield call.line, f"{call.name}() of a computed name"


def pickled_data(source: Source, _: Asked) -> Found:
    for call in source.calls:
        if call.name in _PICKLES:
            yield call.line, f"{call.name}() runs whatever the data says"


def private_keys(data: bytes) -> Iterator[int]:
    """The lines of any file, Python or not, at which a private key begins."""
    for match in _KEY.finditer(data):
        yield data.count(b"\n", 0, match.start()) + 1
