"""What goes over each link now: rates of two looks, until somebody interrupts."""

import pytest

from exoctl import screen
from exoctl.link import top
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod
from tests.exoctl.link.test_list import ECHO, PULSE, has


def test_rates_are_of_what_came_between_two_looks_busiest_first(
    exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [*PULSE[:6], 320, 63_488, *PULSE[8:]]
    monkeypatch.setattr(top.time, "sleep", lambda _: has(exod, ECHO, later))
    has(exod, ECHO, PULSE)
    first, second = exoctl("--json", "link", "top", "--once").json["links"]
    assert (first["from"], first["messages"]) == ("hostpulse", 320)
    assert first["rate"] / first["throughput"] == pytest.approx(200 / 2048)
    assert (second["from"], second["rate"], second["throughput"]) == ("echo", 0.0, 0.0)


def test_a_counter_that_began_anew_is_no_negative_rate() -> None:
    before = dict(zip(("messages", "bytes"), (100, 100), strict=True))
    assert top._rated({"messages": 3, "bytes": 9}, before, 1.0) == {
        "messages": 3, "bytes": 9, "rate": 0.0, "throughput": 0.0,
    }  # fmt: skip


def test_it_goes_on_until_it_is_interrupted(exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(screen.time, "sleep", interrupted)
    has(exod, PULSE)
    ran = exoctl("link", "top")
    assert ran.code == 0
    assert ran.out.splitlines()[1].split()[:3] == ["hostpulse", "recorder", "normal"]
