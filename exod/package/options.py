"""The `[config]` table: a plugin's own settings, their types and bounds, and the check of values against them."""

from dataclasses import dataclass

Value = bool | int | float | str


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
