"""One hostile plugin as data: what it tries, what has to stop it, its code, and what it needs around it."""

import ast
import inspect
import os
import re
import textwrap
import types
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Code = Callable[[Any, Any], Any]
_RELEASE = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


@dataclass(frozen=True, slots=True)
class Attempt:
    """`stopped_by`: each of these layers alone stops it; without all of them it succeeds.

    code(kernel, told) runs inside. It succeeded when it gives a true value, and a text only if that is the secret; or,
    where the effect is seen from outside, when `seen` says so. before: what happens outside before the
    attacker starts. files: canaries that are granted. sibling: the code that
    a second instance without the same layers runs first. stdio: what stdout and stderr are. host_process: one with the
    attacker's uid runs on the host. apart: in a generation of its own, which it may damage. since: one of the layers,
    and the Linux from which on it stops this; before, the others do. native: it may map the
    machine code of its package. state: it has a directory of data. network: what it and its sibling were granted of a
    network of their own.
    """

    id: str
    threat: int
    tries: str
    stopped_by: tuple[str, ...]
    code: Code
    seen: Callable[[Any], bool] | None = None
    before: Callable[[Any], Awaitable[None]] | None = None
    files: tuple[str, ...] = ()
    sibling: Code | None = None
    stdio: str = "log"
    host_process: bool = False
    apart: bool = False
    network: tuple[str, ...] = ()
    since: tuple[str, tuple[int, int]] | None = None
    native: bool = False
    state: bool = False

    @property
    def name(self) -> str:
        return f"t{self.threat}-{self.id}"

    @property
    def too_young(self) -> str:
        """The layer that does not stop it on this kernel yet; empty when all do."""
        return self.since[0] if self.since and self.since[1] > _RELEASE else ""


@dataclass
class Theme:
    """A file of the catalogue; `native`: what was granted to all of its attempts."""

    native: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    def attempt(self, threat: int, stopped_by: str, **needs: Any) -> Callable[[Code], Code]:
        """The function's name is the attempt's, its docstring what it tries; `stopped_by`: names of layers."""

        def enter(code: Code) -> Code:
            name, tries = code.__name__.replace("_", "-"), " ".join((code.__doc__ or "").split()).rstrip(".")
            walls = tuple(stopped_by.split())
            self.attempts.append(Attempt(name, threat, tries, walls, code, native=self.native, **needs))
            return code

        return enter


def source(code: Code) -> str:
    """The function by itself, with the modules that its file imports."""
    modules = sorted({value.__name__ for value in code.__globals__.values() if isinstance(value, types.ModuleType)})
    tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list, function.args.defaults, function.returns = [], [], None
    for argument in function.args.args:
        argument.annotation = None
    return "\n".join([*(f"import {name}" for name in modules), ast.unparse(function)])
