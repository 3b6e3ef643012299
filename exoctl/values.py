"""Words of a command line → values of a D-Bus signature. Containers are JSON; what does not fit is refused."""

import json
from collections.abc import Sequence
from typing import Any

from exoctl.codec import SignatureTree, Variant
from exoctl.faults import usage
from exod.errors import Refused

_INTEGERS = "ynqiuxt"
_TEXTS = "sog"
_MISFITS = (ValueError, TypeError, RecursionError)
_KINDS = (
    dict.fromkeys(_INTEGERS, "a whole number")
    | {"d": "a number", "b": "true or false", "a": "a list in JSON"}
    | dict.fromkeys(_TEXTS, "text")
)
"""What a setting of this type is, for people."""


def arguments(signature: str, words: Sequence[str], *, subject: str) -> list[Any]:
    """One word per complete type of `signature` → the body of a call."""
    types = SignatureTree(signature).types
    if len(types) != len(words):
        plural = "" if len(types) == 1 else "s"
        takes = f" of type{plural} {' '.join(kind.signature for kind in types)}" if types else ""
        sentence = f"cannot call {subject}: it takes {len(types)} argument{plural}{takes}, not {len(words)}"
        raise Refused(usage(sentence, "a container is one argument, written in JSON"))
    pairs = enumerate(zip(types, words, strict=True), start=1)
    return [_argument(kind, word, at=at, subject=subject) for at, (kind, word) in pairs]


def setting(name: str, word: str, *, like: Any | None, plugin: str) -> Any:
    """`word` as a variant: of the type of `like`, else what it looks like as JSON, else a string."""
    kind = SignatureTree(like.signature if like is not None else "v").types[0]
    try:
        value = _read(kind, word)
    except _MISFITS as error:
        said = _KINDS.get(kind.token, "JSON")
        sentence = f"cannot configure {plugin}: {name} is {said}, not {word}"
        raise Refused(usage(sentence, f"exoctl plugin config {plugin}")) from error
    return Variant(kind.signature, value) if like is not None else value


def _argument(kind: Any, word: str, *, at: int, subject: str) -> Any:
    try:
        return _read(kind, word)
    except _MISFITS as error:
        sentence = f"cannot call {subject}: argument {at} is no {kind.signature}: {error}"
        raise Refused(usage(sentence)) from error


def _read(kind: Any, word: str) -> Any:
    value = _parse(kind, word)
    kind.verify(value)
    return value


def _parse(kind: Any, word: str) -> Any:
    if kind.token == "v":
        return _guess(_json_or_text(word))
    if kind.token in "a({":
        return _shape(kind, json.loads(word, parse_constant=_no_constant))
    return _basic(kind, word)


def _basic(kind: Any, word: str) -> Any:
    if kind.token in _TEXTS:
        if "\0" in word:
            raise ValueError("text holds no NUL")
        word.encode()
        return word
    if kind.token == "b":
        if word not in ("true", "false"):
            raise ValueError("write true or false")
        return word == "true"
    if kind.token in _INTEGERS:
        return int(word, 0)
    if kind.token == "d":
        return float(word)
    raise ValueError("descriptors cannot be written as text")


def _shape(kind: Any, value: Any) -> Any:
    """A JSON value in the shape that dbus-next wants for `kind`; `verify` has the last word on its leaves."""
    if kind.token == "a":
        return _array(kind.children[0], value)
    if kind.token == "(":
        if not isinstance(value, list) or len(value) != len(kind.children):
            raise ValueError(f"{kind.signature} is a list of {len(kind.children)}")
        return [_shape(child, item) for child, item in zip(kind.children, value, strict=True)]
    if kind.token == "v":
        return _guess(value)
    if kind.token in _TEXTS and isinstance(value, str):
        return _basic(kind, value)
    if kind.token == "h" or (isinstance(value, bool) and kind.token != "b"):
        raise ValueError(f"{json.dumps(value)} is no {kind.signature}")
    return value


def _array(child: Any, value: Any) -> Any:
    if child.token == "{":
        if not isinstance(value, dict):
            raise ValueError("a dictionary is a JSON object")
        key, item = child.children
        return {_basic(key, name): _shape(item, inner) for name, inner in value.items()}
    if not isinstance(value, list):
        raise ValueError("an array is a JSON list")
    items = [_shape(child, item) for item in value]
    return bytes(items) if child.token == "y" else items


def _guess(value: Any) -> Any:
    if isinstance(value, bool):
        return Variant("b", value)
    if isinstance(value, int):
        return Variant("x", value)
    if isinstance(value, float):
        return Variant("d", value)
    if isinstance(value, str):
        return Variant("s", value)
    if isinstance(value, list):
        return Variant("av", [_guess(item) for item in value])
    if isinstance(value, dict):
        return Variant("a{sv}", {name: _guess(item) for name, item in value.items()})
    raise ValueError("null has no D-Bus type")


def _json_or_text(word: str) -> Any:
    try:
        return json.loads(word, parse_constant=_no_constant)
    except json.JSONDecodeError:
        return word


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
