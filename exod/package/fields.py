"""One table of fields per document: the same rows check a value, fill in defaults and write the JSON Schema.

Refuses unknown and missing keys, wrong types (a boolean is no integer), and text over its cap; names the key.
Tables nest only as deep as the rows that describe them, so nesting in a document cannot exhaust the stack.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from exod.names import NAME_MAX, is_name
from exod.package import display
from exod.package.malformed import MalformedError, shown
from exod.package.versions import VERSION_PATTERN, is_version

Schema = dict[str, Any]
REQUIRED = object()
"""The default of a field that has none."""
INT64_MAX = 2**63 - 1


class Kind(Protocol):
    """`at` is the key's path; `read` raises MalformedError that names it."""

    def read(self, value: object, *, at: str) -> Any: ...
    def schema(self) -> Schema: ...


def wrong(at: str, reason: str) -> MalformedError:
    return MalformedError("", reason, key=at)


class Parsed:
    """Text that a function reads: it returns the value, or None where the text is not `what`."""

    def __init__(self, parse: Callable[[str], Any], *, what: str, longest: int = 255, pattern: str = "") -> None:
        self._parse = parse
        self._what = what
        self._longest = longest
        self._pattern = pattern

    def read(self, value: object, *, at: str) -> Any:
        text = _text(value, self._longest, at=at)
        parsed = self._parse(text)
        if parsed is None:
            raise wrong(at, f"{shown(text)} is not {self._what}")
        return parsed

    def schema(self) -> Schema:
        pattern = {"pattern": self._pattern} if self._pattern else {}
        return {"type": "string", "maxLength": self._longest, "description": self._what} | pattern


class Checked(Parsed):
    """Text that passes a check, as it is."""

    def __init__(self, check: Callable[[str], object], *, what: str, longest: int = 255, pattern: str = "") -> None:
        parse = lambda text: text if check(text) else None  # noqa: E731
        super().__init__(parse, what=what, longest=longest, pattern=pattern)


class Text(Checked):
    """Text in a fixed alphabet: `pattern` is matched whole, and is the schema's too."""

    def __init__(self, pattern: str, *, what: str, longest: int = 255) -> None:
        super().__init__(re.compile(pattern).fullmatch, what=what, longest=longest, pattern=f"^(?:{pattern})$")


class Name(Checked):
    """A plugin's or service's name, as `names.is_name` has it."""

    def __init__(self) -> None:
        what = "a name (lower-case letters, digits, single hyphens)"
        super().__init__(is_name, what=what, longest=NAME_MAX, pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)*$")


class VersionText(Checked):
    def __init__(self) -> None:
        what = "a version in normal form (PEP 440, no epoch, no local part)"
        super().__init__(is_version, what=what, longest=NAME_MAX, pattern=VERSION_PATTERN)


class Digits(Text):
    """32 bytes in lower-case hexadecimal: a SHA-256 digest or a key id."""

    def __init__(self) -> None:
        super().__init__("[0-9a-f]{64}", what="64 lower-case hexadecimal digits", longest=64)


class Shown:
    """Text for people; `display` says what it may hold."""

    def __init__(self, longest: int, *, lines: bool = False) -> None:
        self._longest = longest
        self._lines = lines

    def read(self, value: object, *, at: str) -> str:
        text = _text(value, self._longest, at=at)
        if fault := display.fault(text, lines=self._lines):
            raise wrong(at, fault)
        return text

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self._longest}


class Flag:
    def read(self, value: object, *, at: str) -> bool:
        if not isinstance(value, bool):
            raise wrong(at, f"expected true or false, got {_kind(value)}")
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


class Whole:
    """An integer within bounds; TOML and JSON readers in C hold 64 bits."""

    def __init__(self, least: int = -INT64_MAX - 1, most: int = INT64_MAX) -> None:
        self._least = least
        self._most = most

    def read(self, value: object, *, at: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(at, f"expected an integer, got {_kind(value)}")
        if not self._least <= value <= self._most:
            raise wrong(at, f"it lies outside {self._least} to {self._most}")
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self._least, "maximum": self._most}


class Number:
    """A finite number; integers count."""

    def read(self, value: object, *, at: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(at, f"expected a number, got {_kind(value)}")
        if not -(2**53) <= value <= 2**53 or not math.isfinite(value):
            raise wrong(at, "it is not a finite number of at most 53 bits")
        return float(value)

    def schema(self) -> Schema:
        return {"type": "number", "minimum": -(2**53), "maximum": 2**53}


class Choice:
    def __init__(self, *values: str) -> None:
        self._values = values

    def read(self, value: object, *, at: str) -> str:
        if not isinstance(value, str) or value not in self._values:
            given = shown(value) if isinstance(value, str) else _kind(value)
            raise wrong(at, f"{given} is none of {', '.join(self._values)}")
        return value

    def schema(self) -> Schema:
        return {"enum": list(self._values)}


class List:
    """Distinct items, as a tuple in the order given."""

    def __init__(self, item: Kind, *, most: int) -> None:
        self._item = item
        self._most = most

    def read(self, value: object, *, at: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise wrong(at, f"expected a list, got {_kind(value)}")
        if len(value) > self._most:
            raise wrong(at, f"{len(value)} items, at most {self._most} are read")
        items = tuple(self._item.read(item, at=f"{at}[{index}]") for index, item in enumerate(value))
        if len(set(items)) != len(items):
            raise wrong(at, "an item stands there twice")
        return items

    def schema(self) -> Schema:
        return {"type": "array", "items": self._item.schema(), "maxItems": self._most, "uniqueItems": True}


class Field:
    def __init__(self, key: str, kind: Kind, *, default: Any = REQUIRED, to: str = "", help: str = "") -> None:
        """`to` is the name of the value in what `Table.read` returns, where it differs from the key."""
        self.key = key
        self.kind = kind
        self.default = default
        self.to = to or key
        self.help = help

    def schema(self) -> Schema:
        return self.kind.schema() | ({"description": self.help} if self.help else {})


class Table:
    """Exactly these keys; what is absent takes its default."""

    def __init__(self, *fields: Field, build: Callable[..., Any] | None = None) -> None:
        self._fields = {field.key: field for field in fields}
        self._build = build

    def read(self, value: object, *, at: str) -> Any:
        table = _mapping(value, at=at)
        for key in table:
            if key not in self._fields:
                raise wrong(join(at, key), "unknown key")
        result = {field.to: self._read(field, table, at=join(at, field.key)) for field in self._fields.values()}
        return self._build(**result) if self._build else result

    def _read(self, field: Field, table: Mapping[str, object], *, at: str) -> Any:
        if field.key in table:
            return field.kind.read(table[field.key], at=at)
        if field.default is REQUIRED:
            raise wrong(at, "it is missing")
        return field.default

    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {key: field.schema() for key, field in self._fields.items()},
            "required": [key for key, field in self._fields.items() if field.default is REQUIRED],
            "additionalProperties": False,
        }


def _pair(name: str, value: object) -> tuple[str, object]:
    return name, value


class Named:
    """A table whose keys are names chosen by the author: {name: value} → (build(name, value), …), sorted by name."""

    def __init__(self, key: Parsed, kind: Kind, build: Callable[[str, Any], Any] = _pair, *, most: int) -> None:
        self._key = key
        self._kind = kind
        self._build = build
        self._most = most

    def read(self, value: object, *, at: str) -> tuple[Any, ...]:
        table = _mapping(value, at=at)
        if len(table) > self._most:
            raise wrong(at, f"{len(table)} entries, at most {self._most} are read")
        return tuple(self._one(key, table[key], at=join(at, key)) for key in sorted(table))

    def _one(self, key: str, value: object, *, at: str) -> Any:
        return self._build(self._key.read(key, at=at), self._kind.read(value, at=at))

    def schema(self) -> Schema:
        keys = {key: value for key, value in self._key.schema().items() if key in ("pattern", "maxLength")}
        values = self._kind.schema()
        return {"type": "object", "maxProperties": self._most, "propertyNames": keys, "additionalProperties": values}


def join(at: str, key: object) -> str:
    name = key if isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,63}", key) else shown(key)
    return f"{at}.{name}" if at else name


def _mapping(value: object, *, at: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise wrong(at, f"expected a table, got {_kind(value)}")
    return value


def _text(value: object, longest: int, *, at: str) -> str:
    if not isinstance(value, str):
        raise wrong(at, f"expected text, got {_kind(value)}")
    if len(value) > longest:
        raise wrong(at, f"{len(value)} characters, at most {longest} are read")
    return value


def _kind(value: object) -> str:
    names = {str: "text", bool: "a boolean", int: "an integer", float: "a float", list: "a list", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")
