"""Every plugin room keeps the same promises: it documents, parses, builds, loads, and lives through its life cycle."""

import hashlib
import tomllib
from pathlib import Path

import pytest

from exoctl.building import build
from exod.package.manifest import Manifest, parse
from exosdk.testing import InProcess

ROOT = Path(__file__).parents[2]
ROOMS = sorted(path.parent for room in ("plugins", "drivers") for path in (ROOT / room).rglob("package.toml"))
PACKED = ("package.toml", "README.md", "LICENSE")
TREES = ("code", "assets", "ebpf")


@pytest.fixture(params=ROOMS, ids=lambda room: room.name)
def room(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def manifest(room: Path) -> Manifest:
    parsed = parse((room / "package.toml").read_bytes())
    assert isinstance(parsed, Manifest), parsed
    return parsed


def files(room: Path) -> dict[str, tuple[bytes, bool]]:
    """What goes into the package: bytecode and tests do not."""
    found = [room / name for name in PACKED] + [path for tree in TREES for path in (room / tree).rglob("*")]
    plain = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(room)): (path.read_bytes(), False) for path in plain}


def test_there_are_plugins() -> None:
    assert {"echo", "hostpulse"} <= {room.name for room in ROOMS}


def test_its_directory_has_its_name(room: Path, manifest: Manifest) -> None:
    assert room.name == manifest.name
    assert (room / "LICENSE").read_text().strip()


def test_its_readme_says_what_it_reaches_and_what_it_does_without(room: Path, manifest: Manifest) -> None:
    readme = (room / "README.md").read_text()
    assert readme.startswith(f"# {manifest.name}\n")
    assert "## External access" in readme
    assert "## When degraded" in readme
    assert all(access.path in readme for access in manifest.permissions.filesystem)
    assert all(service.interface in readme for service in manifest.services)


def test_it_has_tests_of_its_own(room: Path) -> None:
    assert list((room / "tests").glob("test_*.py"))


def test_it_builds_to_the_same_bytes_twice(room: Path) -> None:
    first, second = build(files(room)), build(dict(reversed(files(room).items())))
    assert isinstance(first, bytes), first
    assert isinstance(second, bytes)
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


def test_its_interfaces_lie_under_the_first_party_prefix(manifest: Manifest) -> None:
    for service in manifest.services:
        assert service.interface.startswith("org.exoos.")
        assert not service.interface.startswith("org.exoos.Exod1")


def test_it_loads_and_what_it_declares_is_what_it_has(room: Path, manifest: Manifest, tmp_path: Path) -> None:
    with InProcess(room, state_dir=tmp_path) as plugin:
        for service in manifest.services:
            for declared in service.properties:
                plugin.get(declared.name)
        assert plugin.hooks


def test_it_lives_through_its_life_cycle_twice(room: Path, tmp_path: Path) -> None:
    with InProcess(room, state_dir=tmp_path) as plugin:
        for _ in range(2):
            plugin.start()
            plugin.advance(5.0)
            plugin.hook("suspend")
            plugin.clock.advance(1000.0)
            plugin.hook("resume")
            assert plugin.hook("health") in (None, "")
            plugin.stop()


def test_its_default_settings_can_be_set_again_while_it_runs(room: Path) -> None:
    options = tomllib.loads((room / "package.toml").read_text()).get("config", {})
    with InProcess(room) as plugin:
        plugin.start()
        plugin.configure(**{name: option["default"] for name, option in options.items()})
        plugin.stop()


def test_it_leaves_nothing_running_after_stop(room: Path) -> None:
    with InProcess(room) as plugin:
        plugin.start()
        plugin.stop()
        said = len(plugin.changes) + len(plugin.signals)
        plugin.advance(100.0)
        assert len(plugin.changes) + len(plugin.signals) == said
