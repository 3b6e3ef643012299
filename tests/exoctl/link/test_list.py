"""Links between plugins, as a table and as JSON."""

from typing import Any

from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

PULSE = [1, "hostpulse", "recorder", "normal", 4096, 1 << 20, 120, 61_440, 0, 2, 118, 1, 32.0, 2048.0]
ECHO = [2, "echo", "hostpulse", "urgent", 256, 65_536, 5, 50, 1, 0, 5, 0, 0.0, 0.0]


def has(exod: FakeExod, *rows: list[Any]) -> None:
    exod.answers["ListLinks"] = lambda *_: [list(rows)]


def test_each_link_is_a_line(exod: FakeExod, exoctl: Exoctl) -> None:
    has(exod, ECHO, PULSE)
    head, echo, pulse = exoctl("link", "list").out.splitlines()
    assert head.split()[:4] == ["FROM", "TO", "PRIORITY", "SLOTS"]
    assert echo.split() == ["echo", "hostpulse", "urgent", "256", "5", "0.0", "0", "1", "-", "-"]
    assert pulse.split() == [
        "hostpulse",
        "recorder",
        "normal",
        "4096",
        "120",
        "60.0",
        "2",
        "1",
        "32",
        "us",
        "2.048",
        "ms",
    ]


def test_those_of_one_plugin_are_all_that_touch_it(exod: FakeExod, exoctl: Exoctl) -> None:
    has(exod, ECHO, PULSE)
    assert [row["link"] for row in exoctl("--json", "link", "list", "--plugin", "echo").json] == [2]
    assert [row["link"] for row in exoctl("--json", "link", "list", "--plugin", "hostpulse").json] == [2, 1]


def test_json_has_every_figure_by_name(exod: FakeExod, exoctl: Exoctl) -> None:
    has(exod, PULSE)
    [row] = exoctl("link", "list", "--json").json
    assert row == {
        "link": 1, "from": "hostpulse", "to": "recorder", "priority": "normal", "slots": 4096, "arena": 1 << 20,
        "messages": 120, "bytes": 61_440, "drops": 0, "depth": 2, "received": 118, "dropped": 1,
        "p50": 32.0, "p99": 2048.0,
    }  # fmt: skip


def test_that_there_are_none_is_said_with_how_they_come(exod: FakeExod, exoctl: Exoctl) -> None:
    has(exod)
    assert exoctl("link", "list").out.startswith("no links; plugins that name each other in `ipc` make them")
