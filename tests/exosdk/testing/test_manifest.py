"""A directory as the frame its sandbox would get: the same as exod makes of it."""

from pathlib import Path

import pytest

from exod.package import manifest as strict
from exosdk import wire
from exosdk.testing import manifest

PLUGINS = Path(__file__).parents[3] / "plugins"


@pytest.mark.parametrize("name", ["echo", "hostpulse"])
def test_services_and_settings_are_those_that_exod_reads(name: str) -> None:
    frame = manifest.go_frame(manifest.read(PLUGINS / name), config={})
    declared = strict.parse((PLUGINS / name / "package.toml").read_bytes())
    assert isinstance(declared, strict.Manifest)
    assert frame.config == {option.name: option.default for option in declared.config}
    assert (frame.plugin, frame.version, frame.entry) == (declared.name, declared.version, declared.entry.target)
    (mine,), (theirs,) = frame.services, declared.services
    assert {one.name: (one.arguments, one.result) for one in mine.methods} == {
        one.name: (one.arguments, one.result) for one in theirs.methods
    }
    assert {one.name: (one.type, one.access) for one in mine.properties} == {
        one.name: (one.type, one.access) for one in theirs.properties
    }
    assert mine.signals == tuple(wire.Signal(one.name, one.arguments) for one in theirs.signals)


def test_permissions_are_lists_by_name() -> None:
    frame = manifest.go_frame(
        {
            "package": {"name": "p", "version": "1", "type": "custom"},
            "entry": {"python": "m:C"},
            "sandbox": {"ipc": ["echo"], "processes": True, "native": False, "hardware": []},
        },
        config={},
    )
    assert frame.permissions == {"ipc": ("echo",), "processes": ()}


def test_a_setting_that_the_manifest_lacks_is_refused() -> None:
    with pytest.raises(KeyError, match="has no speed"):
        manifest.go_frame(manifest.read(PLUGINS / "echo"), config={"speed": 1})
