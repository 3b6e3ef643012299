"""The `[config]` table: a plugin's own settings, their types and bounds, and the check of values against them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exod.errors import Outcome, Refusal
from exod.package.fields import Choice, Field, Flag, Kind, List, Named, Number, Shown, Table, Text, Whole, join, wrong
from exod.package.malformed import MalformedError, shown

Value = bool | int | float | str

TEXT_MAX = 4096
CHOICES_MAX = 64
OPTIONS_MAX = 128


@dataclass(frozen=True, slots=True)
class Option:
    """`type` is boolean, integer, number or string; bounds apply to numbers and to the length of strings."""

    name: str
    type: str
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""

    def read(self, value: object, *, at: str) -> Value:
        """`value` as this option's type; raises MalformedError."""
        typed: Value = _KINDS[self.type].read(value, at=at)
        if isinstance(typed, bool):
            return typed
        measure = len(typed) if isinstance(typed, str) else typed
        if self.minimum is not None and measure < self.minimum:
            raise wrong(at, f"{_measured(typed)} is less than {self.minimum:g}")
        if self.maximum is not None and measure > self.maximum:
            raise wrong(at, f"{_measured(typed)} is more than {self.maximum:g}")
        if self.choices and typed not in self.choices:
            raise wrong(at, f"{shown(typed)} is none of {', '.join(self.choices)}")
        return typed


def check(options: tuple[Option, ...], values: Mapping[str, object]) -> Mapping[str, Value] | Refusal:
    """Complete and typed: every option with its given value or its default; refuses unknown names and wrong values."""
    try:
        known = {option.name: option for option in options}
        for name in values:
            if name not in known:
                raise wrong(join("", name), "the plugin has no such setting")
        return {
            name: option.read(values[name], at=name) if name in values else option.default
            for name, option in known.items()
        }
    except MalformedError as fault:
        sentence = f"cannot set {fault.key}: {fault.reason}"
        return Refusal("setting-invalid", sentence, evidence={"key": fault.key}, outcome=Outcome.USAGE)


def _measured(value: int | float | str) -> str:
    return f"a length of {len(value)}" if isinstance(value, str) else f"{value:g}"


class _AnyValue:
    """A default of whatever type; the option it belongs to checks it."""

    def read(self, value: object, *, at: str) -> object:
        if not isinstance(value, bool | int | float | str):
            raise wrong(at, "expected a boolean, a number or text")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": ["boolean", "number", "string"]}


def _option(name: str, table: Mapping[str, Any]) -> Option:
    option = Option(name, **table)
    at = f"config.{name}"
    bounds = (option.minimum, option.maximum)
    if option.type == "boolean" and bounds != (None, None):
        raise wrong(at, "a boolean has no bounds")
    if option.choices and option.type != "string":
        raise wrong(at, "only a string has choices")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise wrong(at, "its minimum is above its maximum")
    return Option(name, **{**table, "default": option.read(option.default, at=f"{at}.default")})


_KINDS: Mapping[str, Kind] = {
    "boolean": Flag(),
    "integer": Whole(),
    "number": Number(),
    "string": Shown(TEXT_MAX, lines=True),
}
_NAME = Text(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*", what="a setting's name", longest=63)
_ROW = Table(
    Field("type", Choice(*_KINDS)),
    Field("default", _AnyValue()),
    Field("minimum", Number(), default=None, help="of the value, or of a string's length"),
    Field("maximum", Number(), default=None, help="of the value, or of a string's length"),
    Field("choices", List(Shown(256), most=CHOICES_MAX), default=()),
    Field("help", Shown(256), default=""),
)
TABLE = Named(_NAME, _ROW, _option, most=OPTIONS_MAX)
