"""Who may know whom. Between our rooms: import-linter, from setup.cfg. Of the outside world: the tables below.

Every contract is also shown a violation that it must see, because a contract that names a room wrongly is always kept.
"""

import ast
import copy
import functools
from pathlib import Path

import grimp
import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.domain.contract import Contract, registry

from tests.shape import tree

# contract id → an import that must break it
VIOLATIONS = {
    "order": ("exod.package.manifest", "exod.plan.steps"),
    "face": ("exod.dbus", "exod.state.records"),
    "sandbox-trust": ("exod.sandbox", "exod.trust.verify"),
    "sdk": ("exosdk", "exod.names"),
    "command-line": ("exoctl", "exod.plan.steps"),
    "daemon-command-line": ("exod.daemon", "exoctl"),
    "daemon-sdk": ("exod.supervisor", "exosdk.runner"),
}
SIBLINGS = ("exod.sandbox", "exod.state")

# outside module → the only places that may import it
ONLY_IN = {
    "dbus_next": ("exod/dbus/", "exoctl/"),
    "ctypes": ("exod/linux/", "exod/sandbox/", "exod/brokers/lint/worker.py", "exod/dev.py", "exosdk/testing/"),
    "subprocess": ("exod/linux/", "exod/sandbox/", "exod/dev.py", "exosdk/testing/"),
    "multiprocessing": (),
    "pickle": (),
    "marshal": (),
    "click": ("exoctl/",),
    "rich": ("exoctl/",),
    "pyroute2": (),
    "bcc": (),
    "tpm2_pytss": (),
    "pyudev": (),
}
EVERYWHERE = ("exod", "exosdk", "exoctl")

WATERLINE = tuple(f"exod/{room}" for room in "package/ trust/ plan/ capability/ hooks.py".split())
WATERLINE += ("exod/settings.py", "exod/errors.py", "exod/names.py")
EFFECTS = set(
    "asyncio fcntl http io mmap multiprocessing os pathlib random secrets select selectors shutil signal socket sqlite3"
    " subprocess sys tempfile threading time urllib uuid".split()
)
EFFECTS_ALLOWED: dict[str, set[str]] = {}
"""file → effect modules it may import below the waterline, each with its reason beside it."""


@functools.cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*tree.PACKAGES, cache_dir=None)


@functools.cache
def contracts() -> dict[str, Contract]:
    configure()
    options = read_user_options(str(tree.ROOT / "setup.cfg"))
    for name in ("layers", "forbidden"):
        module = __import__(f"importlinter.contracts.{name}", fromlist=["x"])
        registry.register(getattr(module, f"{name.title()}Contract"), name)
    return {
        row["id"]: registry.get_contract_class(row["type"])(row["name"], options.session_options, row)
        for row in options.contracts_options
    }


def kept(contract: str, *, planted: tuple[str, str] | None = None) -> bool:
    judged = copy.deepcopy(graph())
    if planted:
        for module in planted:
            judged.add_module(module)
        judged.add_import(importer=planted[0], imported=planted[1])
    return contracts()[contract].check(judged, verbose=False).kept


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_the_contract_is_kept(contract: str) -> None:
    check = contracts()[contract].check(copy.deepcopy(graph()), verbose=False)
    assert check.kept, f"run lint-imports: {contracts()[contract].name} is broken: {check.metadata}"


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_the_contract_sees_a_violation(contract: str) -> None:
    assert not kept(contract, planted=VIOLATIONS[contract])


def test_no_contract_is_without_its_violation() -> None:
    assert set(contracts()) == set(VIOLATIONS)


@pytest.mark.parametrize(("importer", "imported"), [SIBLINGS, SIBLINGS[::-1]])
def test_rooms_beside_each_other_do_not_know_each_other(importer: str, imported: str) -> None:
    assert not kept("order", planted=(importer, imported))


def test_a_room_may_implement_the_ports_of_the_supervisor() -> None:
    assert kept("order", planted=("exod.sandbox.host", "exod.supervisor.ports"))


def test_a_new_room_has_to_be_placed_in_the_order() -> None:
    judged = copy.deepcopy(graph())
    judged.add_module("exod.drawer")
    assert not contracts()["order"].check(judged, verbose=False).kept


# --- the outside world ------------------------------------------------------------------------------------------------


def strays(path: str, source: ast.AST) -> list[str]:
    """What a file imports although `ONLY_IN` keeps it elsewhere."""
    outside = {name.partition(".")[0] for name in tree.imported(source)}
    return sorted(name for name in outside & set(ONLY_IN) if not path.startswith(ONLY_IN[name]))


def effects(path: str, source: ast.AST) -> list[str]:
    """Modules that act, imported by a file that must not."""
    outside = {name.partition(".")[0] for name in tree.imported(source)}
    return sorted((outside & EFFECTS) - EFFECTS_ALLOWED.get(path, set()))


@pytest.mark.parametrize("path", tree.sources(*EVERYWHERE), ids=str)
def test_a_library_is_used_only_where_it_belongs(path: Path) -> None:
    assert strays(str(path), tree.syntax(path)) == []


def below_the_waterline() -> list[Path]:
    return [path for path in tree.sources("exod") if str(path).startswith(WATERLINE)]


@pytest.mark.parametrize("path", below_the_waterline(), ids=str)
def test_nothing_below_the_waterline_can_act(path: Path) -> None:
    assert effects(str(path), tree.syntax(path)) == []


def test_the_waterline_covers_real_files() -> None:
    assert {"exod/package", "exod/trust", "exod/plan"} <= {str(path.parent) for path in below_the_waterline()}


def test_a_stray_import_is_seen_wherever_it_hides() -> None:
    hidden = ast.parse("def late():\n    from subprocess import run\n    importlib.import_module('ctypes')\n")
    assert strays("exod/plan/steps.py", hidden) == ["ctypes", "subprocess"]
    assert strays("exod/linux/mount.py", hidden) == []
    assert effects("exod/plan/steps.py", ast.parse("import os.path\nfrom time import time")) == ["os", "time"]
