"""A callable → how many positional arguments it takes, and how they are annotated. Reads code objects.

`inspect.signature` would tell more, and its first use costs an instance 0.3 MB of pages that it shared with its zygote.
It is used only for what has no code object of its own.
"""

import inspect
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any


def accepts(function: Callable[..., Any], arguments: int) -> bool:
    """Whether it can be called with so many positional arguments."""
    found, given = _function(function)
    if found is None:
        return _binds(function, arguments)
    code = found.__code__
    positional = code.co_argcount - given
    if code.co_kwonlyargcount > len(found.__kwdefaults__ or ()):
        return False
    enough = positional - len(found.__defaults__ or ()) <= arguments
    return enough and (arguments <= positional or bool(code.co_flags & inspect.CO_VARARGS))


def annotations(function: Callable[..., Any]) -> list[tuple[str, str]]:
    """Name and annotation of each positional parameter, in order; "" where there is none."""
    found, given = _function(function)
    if found is None:
        return []
    code: CodeType = found.__code__
    names = code.co_varnames[given : code.co_argcount]
    return [(name, _stated(found.__annotations__.get(name, ""))) for name in names]


def _function(function: Callable[..., Any]) -> tuple[FunctionType | None, int]:
    """The function behind a method, a class or a decorator, and how many arguments it is given already."""
    given = 0
    if isinstance(function, type):
        function, given = function.__init__, 1  # type: ignore[misc]
    elif inspect.ismethod(function):
        function, given = function.__func__, 1
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        function = inner
    return (function, given) if isinstance(function, FunctionType) else (None, given)


def _binds(function: Callable[..., Any], arguments: int) -> bool:
    if getattr(function, "__init__", None) is object.__init__:
        return arguments == 0
    try:
        inspect.signature(function).bind(*[None] * arguments)
    except (TypeError, ValueError):
        return False
    return True


def _stated(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
