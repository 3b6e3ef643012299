"""What every plugin uses, as a table, as JSON, and on a terminal."""

import time
from typing import Any

import pytest

from exoctl import screen
from exod.names import BUS_NAME, instance_path
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

LIMITS = {"cpu": 20.0, "memory": 64.0 * (1 << 20), "tasks": 8.0, "files": 64.0, "io": 1048576.0, "storage": 16777216.0}


def uses(exod: FakeExod, *rows: list[Any]) -> None:
    exod.answers["ListUsage"] = lambda *_: [list(rows)]
    for row in rows:
        exod.objects[instance_path(row[0])] = {f"{BUS_NAME}.Instance": {"Limits": LIMITS}}


IDLE = [7, "hello", "running", 0, 1 << 20, 0.0, 1, 8, 0.0, 0, 12.0]
BUSY = [9, "busy", "suspended", 2, 3 << 20, 19.5, 4, 60, 524288.0, 1 << 20, 3.0]


def test_one_look_is_a_table_with_what_may_be_used_and_the_busiest_first(exod: FakeExod, exoctl: Exoctl) -> None:
    uses(exod, IDLE, BUSY)
    ran = exoctl("top", "--once")
    head, busy, hello = ran.out.splitlines()
    assert head.split()[:3] == ["PLUGIN", "INSTANCE", "STATE"]
    assert busy.split() == ["busy", "9", "suspended", "19.5/20", "3.0/64", "4/8", "60/64", "0.5/1", "1.0/16", "2"]
    assert hello.split()[:5] == ["hello", "7", "running", "0.0/20", "1.0/64"]
    assert ran.code == 0


def test_json_is_one_object_a_look(exod: FakeExod, exoctl: Exoctl) -> None:
    uses(exod, IDLE)
    found = exoctl("top", "--once", "--json").json
    assert found["time"] == pytest.approx(time.time(), abs=600)
    [row] = found["instances"]
    assert (row["plugin"], row["instance"], row["memory"], row["limits"]["tasks"]) == ("hello", 7, 1 << 20, 8.0)


def test_it_looks_again_and_again_until_it_is_interrupted(
    exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            uses(exod)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(screen.time, "sleep", pause)
    uses(exod, IDLE)
    ran = exoctl("--json", "top", "--interval", "5")
    assert ran.code == 0
    assert [len(line["instances"]) for line in ran.lines] == [1, 1, 0]
    assert all(0 <= seconds <= 5 for seconds in pauses)
    assert len([path for path, name, _ in exod.calls if name == "ListUsage"]) == 3


def test_one_that_ended_while_it_was_looked_at_is_left_out(exod: FakeExod, exoctl: Exoctl) -> None:
    uses(exod, IDLE, BUSY)
    del exod.objects[instance_path(9)]
    assert len(exoctl("top", "--once").out.splitlines()) == 2
