"""How big things may be, and what they may be called: the budgets that keep a room small enough to read."""

import ast
import functools
from pathlib import Path

import grimp
import pytest

from tests.shape import tree

FILE_LINES = 400
DAEMON_LINES = 12_000
"""Of Python code, as `tree.code_lines` counts it; so is a broker's budget."""
BROKER_LINES = 1_500
FUNCTION_LINES = 30
DRAWERS = {"utils", "util", "common", "helpers", "helper", "base", "models", "types", "misc", "core", "tools", "lib"}
EVERY_SOURCE = [*tree.sources(*tree.CHECKED), *tree.sources("exod", suffix=".c")]


@functools.cache
def lines(path: Path) -> int:
    return len((tree.ROOT / path).read_text().splitlines())


@pytest.mark.parametrize("path", EVERY_SOURCE, ids=str)
def test_a_file_stays_readable(path: Path) -> None:
    assert lines(path) <= FILE_LINES


def code_of(paths: list[Path]) -> int:
    return sum(tree.code_lines((tree.ROOT / path).read_text()) for path in paths)


# Python only: a line of the fork's C, which may not allocate and checks each call, says less than one of Python.
def test_the_daemon_without_its_brokers_stays_within_its_budget() -> None:
    mine = [path for path in tree.sources("exod") if "brokers" not in path.parts]
    assert code_of(mine) <= DAEMON_LINES


def test_a_broker_stays_within_its_budget() -> None:
    brokers = {path.parts[2] for path in tree.sources("exod/brokers") if len(path.parts) > 3}
    sizes = {name: code_of(tree.sources(f"exod/brokers/{name}")) for name in brokers}
    assert {name: size for name, size in sizes.items() if size > BROKER_LINES} == {}


def test_reasons_are_not_counted_as_code() -> None:
    said = '"""What\nfor."""\n\n# because\nx = 1  # one\n\n\ndef f():\n    """Why."""\n    return (\n        x\n    )\n'
    assert tree.code_lines(said) == 5


def span(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def longest(sizes: list[int], *, share: float) -> int:
    """The size that `share` of the functions do not exceed."""
    return sorted(sizes)[int(share * (len(sizes) - 1))]


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_nine_functions_of_ten_are_short(package: str) -> None:
    sizes = [span(function) for path in tree.sources(package) for function in tree.functions(tree.syntax(path))]
    assert longest(sizes or [0], share=0.9) <= FUNCTION_LINES


def test_a_long_tail_of_functions_is_seen() -> None:
    assert longest([8] * 80 + [31] * 20, share=0.9) > FUNCTION_LINES


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_there_is_no_drawer(package: str) -> None:
    names = {path: path.parent.name if path.stem == "__init__" else path.stem for path in tree.sources(package)}
    assert [str(path) for path, name in names.items() if name.strip("_") in DRAWERS] == []


def directories(package: str) -> list[Path]:
    return sorted({path.parent for path in tree.sources(package)})


@pytest.mark.parametrize("package", [path for top in tree.PACKAGES for path in directories(top)], ids=str)
def test_a_package_says_what_it_turns_into_what(package: Path) -> None:
    face = package / "__init__.py"
    assert (tree.ROOT / face).is_file(), f"{package} holds modules but is no package"
    said = ast.get_docstring(tree.syntax(face)) or ""
    assert len(said.split()) >= 8, f"{face} does not say what the package does: {said!r}"


# What a command does is its help; what a module of another kind does is its docstring.
@pytest.mark.parametrize("path", tree.sources("exod", "exosdk", "bench"), ids=str)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert path.name == "__init__.py" or ast.get_docstring(tree.syntax(path))


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Groups of modules that import each other, wherever the import stands (Tarjan's components of two or more)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other not in order:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            found.extend([sorted(group)] if len(group) > 1 else [])

    for module in sorted(graph.modules):
        if module not in order:
            visit(module)
    return found


def test_no_modules_import_each_other() -> None:
    assert circles(grimp.build_graph(*tree.PACKAGES, cache_dir=None)) == []


def test_a_circle_of_three_is_seen() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]:
        graph.add_module(importer)
        graph.add_module(imported)
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [["a", "b", "c"]]
