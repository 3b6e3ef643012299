"""A plugin's source, mutated: a seed → a signed package of `echo` with one to three nodes of its tree changed."""

import ast
import contextlib
import copy
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.builders import signed_package

ECHO = Path(__file__).resolve().parents[2] / "plugins/echo"
CALL_TIME = "50ms"
_VALUES = (None, True, -1, 0, 1 << 40, 1.5, "", "x" * 400, b"\0\xff", ())
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.FloorDiv, ast.Pow, ast.LShift)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.GtE, ast.Is, ast.In)


def package(name: str, seed: int) -> bytes:
    manifest = (ECHO / "package.toml").read_text().replace('name = "echo"', f'name = "{name}"', 1)
    manifest = manifest.replace('call-time = "2s"', f'call-time = "{CALL_TIME}"', 1)
    code = mutant((ECHO / "code/echo.py").read_text(), Random(f"mutant {seed}"))
    return signed_package(issued=int(time.time()), manifest=manifest.encode(), extra={"code/echo.py": code.encode()})


def mutant(source: str, random: Random) -> str:
    """One that compiles, whatever it does."""
    while True:
        tree = ast.parse(source)
        for _ in range(random.choice((1, 1, 2, 3))):
            random.choice(_MUTATIONS)(tree, random)
        with contextlib.suppress(SyntaxError, ValueError), warnings.catch_warnings(action="ignore"):
            text = ast.unparse(ast.fix_missing_locations(tree))
            compile(text, "mutant", "exec")
            return text


def _constant(tree: ast.AST, random: Random) -> None:
    if found := [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]:
        random.choice(found).value = random.choice(_VALUES)


def _name(tree: ast.AST, random: Random) -> None:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    random.choice(found).id = random.choice(found).id


def _attribute(tree: ast.AST, random: Random) -> None:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    random.choice(found).attr = random.choice(found).attr


def _operator(tree: ast.AST, random: Random) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and random.random() < 0.5:
            node.op = random.choice(_OPERATORS)()
        elif isinstance(node, ast.Compare) and random.random() < 0.5:
            node.ops = [random.choice(_COMPARISONS)() for _ in node.ops]


def _body(tree: ast.AST, random: Random) -> list[ast.stmt]:
    found = [node.body for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.If, ast.With))]
    return random.choice(found)


def _gone(tree: ast.AST, random: Random) -> None:
    body = _body(tree, random)
    body[random.randrange(len(body))] = ast.Pass()


def _moved(tree: ast.AST, random: Random) -> None:
    """A statement of one body stands in another, too."""
    target = _body(tree, random)
    target.insert(random.randrange(len(target) + 1), copy.deepcopy(random.choice(_body(tree, random))))


def _again(tree: ast.AST, random: Random) -> None:
    """For ever."""
    body = _body(tree, random)
    place = random.randrange(len(body))
    body[place] = ast.While(ast.Constant(value=True), [body[place]], [])


def _returned(tree: ast.AST, random: Random) -> None:
    body = _body(tree, random)
    body.insert(0, ast.Return(ast.Constant(value=random.choice(_VALUES))))


def _raised(tree: ast.AST, random: Random) -> None:
    kind = random.choice(("OSError", "SystemExit", "KeyboardInterrupt", "MemoryError", "GeneratorExit", "ValueError"))
    _body(tree, random).insert(0, ast.Raise(ast.Call(ast.Name(kind), [ast.Constant(value="\u202eodd\0")], []), None))


_MUTATIONS: tuple[Callable[[ast.AST, Random], None], ...] = (
    _constant, _constant, _name, _attribute, _operator, _gone, _gone, _moved, _again, _returned, _raised,
)  # fmt: skip
