"""The tests mirror the code: each module has a test module of its name, or stands below with the reason."""

from pathlib import Path

import pytest

from tests.shape import tree

# module → (the test that covers it, why it has none of its own)
ELSEWHERE: dict[str, tuple[str, str]] = {
    f"exosdk/testing/vm/{name}.py": ("tests/vm/test_harness.py", "nothing of it is true without a real machine")
    for name in ("__main__", "fixtures", "qemu")
}


def mirrors(path: Path) -> list[Path]:
    """Where the tests of a module stand: tests/exod/dbus/test_wire.py, or test_wire_*.py beside it."""
    room = tree.ROOT / "tests" / path.parent
    name = "main" if path.stem == "__main__" else path.stem.strip("_")
    return [*room.glob(f"test_{name}.py"), *room.glob(f"test_{name}_*.py")]


def has_code(path: Path) -> bool:
    """Whether there is anything to test: constants, re-exports and the bodiless methods of a Protocol are none."""
    return any(not tree.is_bodiless(function) for function in tree.functions(tree.syntax(path)))


MODULES = [path for path in tree.sources(*tree.PACKAGES) if has_code(path)]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_the_module_has_its_test(path: Path) -> None:
    if str(path) in ELSEWHERE:
        assert (tree.ROOT / ELSEWHERE[str(path)][0]).exists()
    else:
        assert mirrors(path), f"no tests/{path.parent}/test_{path.stem.strip('_')}.py"


def test_the_exceptions_are_modules_that_exist_and_have_no_test_of_their_own() -> None:
    stale = [name for name in ELSEWHERE if not (tree.ROOT / name).is_file() or mirrors(Path(name))]
    assert stale == []
    assert all(len(reason.split()) >= 4 for _, reason in ELSEWHERE.values())
