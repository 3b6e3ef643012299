"""A life that leaves nothing behind but warm pages."""

import gc
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path

import pytest

from exosdk import hooks, rehearsal

CODE = "/nowhere/code"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    sys.path_importer_cache.pop(CODE, None)


def test_it_leaves_no_plugin_module_or_path_behind() -> None:
    manager, path = hooks.manager(), list(sys.path)
    rehearsal.rehearse(manager, code=CODE, finish=lambda: None)
    assert manager.get_plugins() == set()
    assert manager.hook.start(context=None) is None
    assert sys.path == path
    assert "exosdk.player" not in sys.modules


def test_its_last_word_freezes_what_is_there() -> None:
    try:
        rehearsal.rehearse(hooks.manager(), code=CODE)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_the_path_of_the_plugins_has_its_finder() -> None:
    rehearsal.rehearse(hooks.manager(), code=CODE, finish=lambda: None)
    assert sys.path_importer_cache[CODE] is not None


def test_the_path_of_the_plugins_may_hold_machine_code(tmp_path: Path) -> None:
    code = str(tmp_path)
    (tmp_path / f"machine{EXTENSION_SUFFIXES[0]}").touch()
    try:
        rehearsal.rehearse(hooks.manager(), code=code, finish=lambda: None)
        found = sys.path_importer_cache[code].find_spec("machine")  # type: ignore[union-attr]
    finally:
        sys.path_importer_cache.pop(code)
    assert found is not None
    assert isinstance(found.loader, ExtensionFileLoader)


def test_every_question_of_the_script_is_answered_without_a_fault(capfd: pytest.CaptureFixture[str]) -> None:
    rehearsal.rehearse(hooks.manager(), code=CODE, finish=lambda: None)
    assert capfd.readouterr().err == ""
