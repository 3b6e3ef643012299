"""How many arguments a callable takes."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from exosdk.arity import accepts, annotations


class Plain:
    pass


class Taking:
    def __init__(self, one: int, two: "str" = "") -> None: ...

    def method(self, one: int, *, name: str = "") -> None: ...

    def variadic(self, one: int, *rest: int) -> None: ...

    def keyword(self, *, name: str) -> None: ...

    @staticmethod
    def static(one: int) -> None: ...

    @classmethod
    def of_class(cls, one: int) -> None: ...


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


TAKING = Taking(1)


@pytest.mark.parametrize(
    ("function", "accepted"),
    [
        (Plain, {0}),
        (Taking, {1, 2}),
        (TAKING.method, {1}),
        (TAKING.variadic, {1, 2, 3}),
        (TAKING.keyword, set()),
        (TAKING.static, {1}),
        (TAKING.of_class, {1}),
        (decorated(Taking.static), {1}),
        (lambda: None, {0}),
        (functools.partial(TAKING.method, 1), {0}),
        (len, {1}),
        (3, set()),
    ],
)
def test_it_accepts_so_many_and_no_other_number(function: Any, accepted: set[int]) -> None:
    assert {number for number in range(4) if accepts(function, number)} == accepted


def test_annotations_come_in_order_as_text() -> None:
    assert annotations(Taking) == [("one", "int"), ("two", "str")]
    assert annotations(TAKING.method) == [("one", "int")]
    assert annotations(lambda x: x) == [("x", "")]
    assert annotations(len) == []
