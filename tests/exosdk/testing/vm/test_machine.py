"""What travels into a guest; the machine itself is shown in tests/vm."""

from collections.abc import Callable
from typing import Any

from exosdk.testing.vm.machine import source_of


def marked(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


class Holder:
    @staticmethod
    @marked
    def inside(number: int) -> int:
        """Text

        with a blank line."""
        return number


def test_a_function_travels_without_its_decorators_at_the_left_margin() -> None:
    space: dict[str, Any] = {}
    exec(source_of(Holder.inside), space)
    assert space["inside"](7) == 7
