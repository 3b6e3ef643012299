from pathlib import Path

import pytest

from exoctl import scaffold
from exod.names import PLUGIN_TYPES
from exod.package import manifest


@pytest.mark.parametrize("kind", PLUGIN_TYPES)
def test_each_type_gives_a_manifest_of_that_type(kind: str) -> None:
    parsed = manifest.parse(scaffold.files("net-probe", kind=kind)["package.toml"].encode())
    assert isinstance(parsed, manifest.Manifest), parsed
    assert (parsed.name, parsed.type, parsed.entry.target) == ("net-probe", kind, "net_probe:NetProbe")


def test_a_plugin_without_a_hook_of_its_own_imports_no_more_than_it_needs() -> None:
    assert "typing" not in scaffold.files("x", kind="custom")["code/x.py"]


def test_the_guide_shows_the_class_that_is_made() -> None:
    guide = (Path(__file__).parents[2] / "docs/guide/first-plugin.md").read_text()
    _, _, shown = guide.partition("```python\n")
    made = scaffold.files("hello", kind="custom")["code/hello.py"]
    assert made.endswith(shown.partition("```")[0])
