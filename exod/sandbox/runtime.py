"""The files a keeper and its sandboxes run on, wherever they live on the host → one sealed superblock.

Copied, not bound: a checkout may lie under /root, its files may be unreadable to the keeper's uid, and they may change
while instances run. Nothing else of exod gets in: what follows is the whole list.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from exod.linux import mount
from exod.sandbox.sealed import QUIET, Superblock, room_for

CODE = (
    "__init__",
    "linux/__init__",
    "linux/descriptors",
    "linux/pidfd",
    "sandbox/__init__",
    "sandbox/_spawn",
    "sandbox/frames",
    "sandbox/keeper",
    "sandbox/keeper_main",
    "sandbox/table",
    "sandbox/zygote",
)
PLACE = "/run"
LIBRARIES = ("pluggy", "msgspec")
_EXOD = Path(__file__).resolve().parent.parent


def build(sources: Sequence[Path]) -> int:
    """A detached mount with `code/`, `sdk/` (of `sources`) and an empty `scratch/` below `exod/`. It has libraries, so
    it is not NOEXEC."""
    files = [(f"exod/code/exod/{name}", path) for name, path in _code()]
    for source in sources:
        files += [(f"exod/sdk/{source.name}/{name}", path) for name, path in _tree(source)]
    size = room_for([path.stat().st_size for _, path in files])
    with closing(Superblock(size=size, attributes=QUIET)) as superblock:
        superblock.directory("exod/scratch")
        for name, path in files:
            # Bytecode names its source by time and size: the copies keep the time.
            superblock.write(name, path.read_bytes(), time=path.stat().st_mtime_ns)
        return superblock.seal()


def sources(sdk: Path) -> list[Path]:
    """The packages that sandboxes see: the SDK and what it needs, from wherever this interpreter has them."""
    return [sdk, *map(_library, LIBRARIES)]


def attach(tree: int) -> None:
    """Over PLACE of this mount namespace, which has to be private."""
    mount.move_mount(tree, "", mount.AT_FDCWD, PLACE)


def _code() -> Iterator[tuple[str, Path]]:
    for name in CODE:
        path = _EXOD / name
        for found in (*path.parent.glob(f"{path.name}.py"), *path.parent.glob(f"{path.name}.*.so")):
            yield str(found.relative_to(_EXOD)), found
        for found in (path.parent / "__pycache__").glob(f"{path.name}.cpython-*.pyc"):
            yield str(found.relative_to(_EXOD)), found


def _tree(top: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top)
        if name.parts[0] != "testing" and path.suffix in (".py", ".pyc", ".so") and path.is_file():
            yield str(name), path


def _library(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"cannot find {name}, which every sandbox needs", name=name)
    return Path(found.origin).parent
