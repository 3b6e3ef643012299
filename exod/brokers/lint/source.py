"""One Python file → what the rules look at: imports, calls by their full names, assignments, loops, long constants.

Resolves names as far as the file itself says what they are; follows no assignment and no other file. Pure, and never
recursive: how deep a file is nested is its author's choice.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "AttributeError", "OSError"}
IMPORTERS = ("__import__", "importlib.import_module", "importlib.__import__")
_LONG = 2_000
"""Characters of a constant from which on it is looked at."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of a manifest, what the rules measure by: names of permissions, paths of files, how many tasks it may have."""

    permissions: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    tasks: int = 8


@dataclass(frozen=True, slots=True)
class Import:
    name: str
    line: int
    guarded: bool


@dataclass(frozen=True, slots=True)
class Call:
    """`name` is "" where it cannot be said. guarded: in a `try` for that, or where only a script gets. hook: in a hook
    of the plugin."""

    name: str
    node: ast.Call
    guarded: bool
    hook: bool

    @property
    def line(self) -> int:
        return self.node.lineno

    def argument(self, place: int = 0, keyword: str = "") -> ast.expr | None:
        if len(self.node.args) > place:
            return self.node.args[place]
        return next((one.value for one in self.node.keywords if one.arg == keyword), None)


@dataclass(slots=True)
class Source:
    path: str
    imports: list[Import] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    writes: list[tuple[str, int]] = field(default_factory=list)
    uses: list[tuple[str, int]] = field(default_factory=list)
    loops: list[ast.While] = field(default_factory=list)
    constants: list[tuple[str | bytes, int]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def name_of(self, node: ast.AST | None) -> str:
        """`os.path.join` for what stands for it; "" for what is not known."""
        parts: list[str] = []
        while node is not None:
            match node:
                case ast.Name(id=name):
                    return ".".join([self.names.get(name, name), *reversed(parts)])
                case ast.Attribute(value=value, attr=attr):
                    parts.append(attr)
                    node = value
                case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
                    parts.append(key)
                    node = value
                case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(key)), *_]):
                    parts.append(key)
                    node = value
                case ast.Call(func=function, args=[ast.Constant(value=str(key)), *_]) if self._imports(function):
                    return ".".join([key, *reversed(parts)])
                case _:
                    node = None
        return ""

    def _imports(self, function: ast.expr) -> bool:
        """Whether it is written as one or two names: no chain of calls, which would be walked again at each link."""
        plain = isinstance(function.value if isinstance(function, ast.Attribute) else function, ast.Name)
        return plain and self.name_of(function) in IMPORTERS


def read(path: str, tree: ast.Module) -> Source:
    source = Source(path)
    # What the file defines itself is not the built-in of that name.
    own = [one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    source.names |= {name: f".{name}" for name in own}
    found = [one for one in _walk(tree) if type(one[0]) in _OF_INTEREST]
    for node, guarded, _ in found:  # names first: a function may use what is imported below it
        if isinstance(node, ast.Import | ast.ImportFrom):
            _bind(source, node, guarded=guarded)
    for node, guarded, hook in found:
        _note(source, node, guarded=guarded, hook=hook)
    return source


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Every node, whether it is guarded, and whether it is in a hook."""
    todo: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while todo:
        node, guarded, hook = todo.pop()
        yield node, guarded, hook
        kind = type(node)
        if kind in _FUNCTIONS:
            hook = _is_hook(node)
        inside = {id(child) for child in _shielded(node)} if kind in (ast.Try, ast.If) else ()
        todo.extend((child, guarded or id(child) in inside, hook) for child in ast.iter_child_nodes(node))


def _shielded(node: ast.AST) -> Sequence[ast.stmt]:
    """What may fail without harm in a `try`, or does not run at all when the file is imported."""
    match node:
        case ast.Try(handlers=handlers) if any(map(_catches, handlers)):
            return node.body
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return node.body
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return node.body
        case _:
            return ()


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _CAUGHT) for kind in kinds)


def _is_hook(node: ast.AST) -> bool:
    for decorator in getattr(node, "decorator_list", ()):
        plain = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (plain.id if isinstance(plain, ast.Name) else getattr(plain, "attr", "")) == "hookimpl":
            return True
    return False


def _bind(source: Source, node: ast.Import | ast.ImportFrom, *, guarded: bool) -> None:
    for alias in node.names:
        if isinstance(node, ast.Import):
            full, first = alias.name, alias.name.partition(".")[0]
            source.names[alias.asname or first] = full if alias.asname else first
        else:
            full = f"{'.' * node.level}{node.module or ''}.{alias.name}"
            source.names[alias.asname or alias.name] = full
        if not full.startswith("."):
            source.imports.append(Import(full, node.lineno, guarded))


def _note(source: Source, node: ast.AST, *, guarded: bool, hook: bool) -> None:
    match node:
        case ast.Call(func=function, args=arguments):
            name = source.name_of(function).removeprefix("builtins.").removeprefix("__builtins__.")
            source.calls.append(Call(name, node, guarded, hook))
            match arguments:
                case [ast.Constant(value=str(module)), *_] if name in IMPORTERS:
                    source.imports.append(Import(module, node.lineno, guarded))
        case ast.Constant(value=value):
            if isinstance(value, str | bytes) and len(value) >= _LONG:
                source.constants.append((value, node.lineno))
        case ast.Attribute(attr=attr, ctx=context):
            if not isinstance(context, ast.Load):
                source.writes.append((source.name_of(node), node.lineno))
            elif attr in ("environ", "environb"):
                source.uses.append((source.name_of(node), node.lineno))
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            source.writes.append((source.name_of(node), node.lineno))
        case ast.While() if hook:
            source.loops.append(node)
        case _:
            pass


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_OF_INTEREST = frozenset([ast.Import, ast.ImportFrom, ast.Call, ast.Constant, ast.Attribute, ast.Subscript, ast.While])
