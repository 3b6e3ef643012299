"""Registry rows survive the way through a step's data."""

from exod.supervisor.ports import PluginRecord, VersionRecord
from exod.supervisor.rows import dump_values, plugin_row, plugin_text, version_row, version_rows, version_text

PLUGIN = PluginRecord("a", "1.0", enabled=True, desired="running", config={"b": 1.5, "a": "x", "c": True})
VERSION = VersionRecord("a", "1.0", "custom", "d" * 64, "s" * 64, "trusted", 3, 12.5)


def test_a_row_comes_back_as_it_was() -> None:
    assert plugin_row(plugin_text(PLUGIN)) == PLUGIN
    assert version_row(version_text(VERSION)) == VERSION
    assert version_rows(f"[{version_text(VERSION)},{version_text(VERSION)}]") == [VERSION, VERSION]


def test_equal_values_are_equal_text() -> None:
    assert dump_values({"a": 1, "b": 2}) == dump_values({"b": 2, "a": 1}) == '{"a":1,"b":2}'
