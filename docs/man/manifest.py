"""The schema of package.toml, from the table that validates → package.toml.5."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.man import roff
from exod.package.manifest import schema

_ABOUT = {
    "package": "What it is.",
    "entry": "What is started: exactly one of these.",
    "binary": "How a program of its own is built.",
    "dependencies": "Plugins it needs, by name.",
    "sandbox": "What it asks to reach; without a line here it reaches nothing.",
    "limits": "What it may use.",
    "config": "Its settings, by name; the administrator changes them with `exoctl plugin config`.",
    "services": "What it serves on D-Bus, by name.",
}
_BIGGEST = 1 << 53
"""Bounds from there on are those of TOML itself, and say nothing."""


def page() -> str:
    whole = schema()
    parts = (
        roff.head("package.toml", 5, "the manifest of a plugin's package"),
        roff.heading("Description"),
        roff.paragraph(
            "Lies at the top of every package. Unknown keys are refused. `exoctl package schema` prints the same "
            "table as JSON Schema, for editors; `exoctl package new` writes a file to begin with."
        ),
        roff.heading("Tables"),
        *(_section(name, table, asked=whole["required"]) for name, table in whole["properties"].items()),
        roff.heading("Example"),
        roff.example(_EXAMPLE),
        roff.see_also(("exopkg", 7), ("exoctl-package", 1), ("exod", 8)),
    )
    return "".join(parts)


def _section(name: str, table: Mapping[str, Any], *, asked: list[str]) -> str:
    needed = " Required." if name in asked else ""
    rows = "".join(roff.item(key, words) for key, words in _rows(table, below=""))
    return roff.subheading(f"[{name}]") + roff.paragraph(_ABOUT[name] + needed) + rows


def _rows(table: Mapping[str, Any], *, below: str) -> Iterator[tuple[str, str]]:
    """(dotted key, what it takes), depth first; NAME stands for a key that the author chooses."""
    for key, kind in table.get("properties", {}).items():
        needed = key in table.get("required", ())
        yield f"{below}{key}", _explained(kind, needed=needed)
        yield from _rows(kind, below=f"{below}{key}.")
    inner = table.get("additionalProperties")
    if isinstance(inner, dict):
        if inner.get("type") != "object":
            yield f"{below}NAME", _explained(inner, needed=False)
        for kind in inner.get("anyOf", [inner]):
            yield from _rows(kind, below=f"{below}NAME.")


def _explained(kind: Mapping[str, Any], *, needed: bool) -> str:
    takes, about = _takes(kind), kind.get("description", "")
    said = ", ".join((takes, *_bounds(kind)))
    said = said if about in takes else f"{about}; {said}"
    return f"{said[0].upper()}{said[1:]}.{' Required.' if needed else ''}"


def _takes(kind: Mapping[str, Any]) -> str:
    if "anyOf" in kind:
        takes = [_takes(one) for one in kind["anyOf"]]
        return " or ".join(one for one in takes if not any(one in other for other in takes if other != one))
    if "enum" in kind:
        return f"one of {', '.join(f'`{value}`' for value in kind['enum'])}"
    if kind.get("type") == "array":
        return f"a list, each {_takes(kind['items'])}"
    if kind.get("type") == "boolean":
        return "`true` or `false`"
    if kind.get("type") == "object":
        return "a table"
    if isinstance(kind.get("type"), list):
        return f"a {' or '.join(kind['type'])}"
    return str(kind.get("description") or f"{'an' if kind['type'][0] in 'aeiou' else 'a'} {kind['type']}")


def _bounds(kind: Mapping[str, Any]) -> Iterator[str]:
    least, most = kind.get("minimum", -_BIGGEST), kind.get("maximum", _BIGGEST)
    if least > -_BIGGEST:
        yield f"at least {least}"
    if most < _BIGGEST:
        yield f"at most {most}"


_EXAMPLE = """\
[package]
name = "hello"
version = "1.0.0"
summary = "Greets whoever asks"
license = "Apache-2.0"
type = "custom"

[entry]
python = "hello:Hello"

[services.hello]
interface = "org.example.Hello1"
access = "any"
methods.Greet = {in = "s", out = "s", idempotent = true}
"""
