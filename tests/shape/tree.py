"""The source tree as data: files, rooms and syntax trees → what the tests of shape judge. Never imports the code."""

import ast
import functools
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("exod", "exosdk", "exoctl")
CHECKED = ("exod", "exosdk", "exoctl", "plugins", "bench", "docs", "tests", "setup.py")


def sources(*tops: str, suffix: str = ".py") -> list[Path]:
    """Every source file below the named top-level entries, sorted, relative to the root."""
    found: list[Path] = []
    for top in tops:
        path = ROOT / top
        found += [path] if path.is_file() else path.rglob(f"*{suffix}")
    return sorted(path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts)


@functools.cache
def syntax(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_bytes(), str(path))


_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """Lines that say what is done: no blanks, comments or docstrings, which say why and shall not be saved on."""
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            held.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(held)


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_bodiless(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function only has a form: a docstring, `...` or nothing."""
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in function.body)


def imported(tree: ast.AST) -> set[str]:
    """Dotted names a module imports, at its top, inside functions and under TYPE_CHECKING alike.

    `from a import b` counts as `a` and as `a.b`: whether b is a module cannot be told from here, and need not be.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and _is_dynamic_import(node.func) and node.args:
            first = node.args[0]
            names |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
    return names


def _is_dynamic_import(function: ast.expr) -> bool:
    return (isinstance(function, ast.Name) and function.id == "__import__") or (
        isinstance(function, ast.Attribute) and function.attr == "import_module"
    )


def rooms(package: str) -> list[str]:
    """`exod/dbus`, `exod/plan` …: the packages directly below a top-level package."""
    return sorted(str(path.parent.relative_to(ROOT)) for path in (ROOT / package).glob("*/__init__.py"))
