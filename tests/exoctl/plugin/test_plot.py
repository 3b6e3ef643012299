import pytest

from exod.names import ROOT_PATH, service_path
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

RECORDER = """<node><interface name="org.exoos.Recorder1"><method name="Query">
<arg type="s" direction="in"/><arg type="d" direction="in"/><arg type="d" direction="in"/>
<arg type="u" direction="in"/><arg type="a(dddd)" direction="out"/></method></interface></node>"""
SERIES = "hostpulse/host.cpu.busy"
POINTS = [[1_700_000_000.0 + number, number - 1.0, float(number), number + 1.0] for number in range(20)]


@pytest.fixture
def recorder(exod: FakeExod, monkeypatch: pytest.MonkeyPatch) -> FakeExod:
    monkeypatch.setenv("COLUMNS", "60")
    exod.has_plugin("recorder")
    exod.introspection = {
        f"{ROOT_PATH}/service/recorder": '<node><node name="recorder"/></node>',
        service_path("recorder", "recorder"): RECORDER,
    }
    exod.answers["Query"] = lambda *_: [POINTS]
    return exod


def test_a_series_is_drawn_as_wide_as_the_terminal(recorder: FakeExod, exoctl: Exoctl) -> None:
    head, *lines, foot = exoctl("plugin", "plot", "recorder", SERIES, "--height", "6").out.splitlines()
    assert head == f"{SERIES}  least -1  greatest 20  latest 19"
    assert len(lines) == 6
    assert max(map(len, lines)) == 60
    assert foot.split() == ["2023-11-14", "22:13:20Z", "2023-11-14", "22:13:39Z"]
    assert len(foot) == 60


def test_as_many_points_are_asked_for_as_can_be_shown(recorder: FakeExod, exoctl: Exoctl) -> None:
    exoctl("plugin", "plot", "recorder", SERIES, "--last", "2h")
    series, since, until, most = recorder.called("Query")
    assert (series, most) == (SERIES, 98)
    assert until - since == 7200


def test_machines_get_the_points(recorder: FakeExod, exoctl: Exoctl) -> None:
    found = exoctl("--json", "plugin", "plot", "recorder", SERIES).json
    assert found["series"] == SERIES
    assert found["points"] == POINTS
    assert found["to"] - found["from"] == 3600


def test_nothing_recorded_is_said_so(recorder: FakeExod, exoctl: Exoctl) -> None:
    recorder.answers["Query"] = lambda *_: [[]]
    assert exoctl("plugin", "plot", "recorder", SERIES).out == f"nothing of {SERIES} was recorded in the last 1h\n"
    assert exoctl("--json", "plugin", "plot", "recorder", SERIES).json["points"] == []


def test_points_in_no_order_are_drawn_in_order(recorder: FakeExod, exoctl: Exoctl) -> None:
    recorder.answers["Query"] = lambda *_: [POINTS[::-1]]
    assert exoctl("--json", "plugin", "plot", "recorder", SERIES).json["points"] == POINTS


@pytest.mark.parametrize("row", [[1.0, 2.0, 1.0, 3.0], [1.0, float("nan"), 1.0, 3.0], [float("inf"), 1.0, 1.0, 1.0]])
def test_an_answer_that_is_no_points_is_refused(recorder: FakeExod, exoctl: Exoctl, row: list[float]) -> None:
    recorder.answers["Query"] = lambda *_: [[row]]
    ran = exoctl("--json", "plugin", "plot", "recorder", SERIES)
    assert (ran.code, "no list of points" in ran.error["sentence"]) == (2, True)


def test_a_plugin_whose_query_is_another_one_is_refused(recorder: FakeExod, exoctl: Exoctl) -> None:
    other = RECORDER.replace('type="u"', 'type="s"')
    recorder.introspection[service_path("recorder", "recorder")] = other
    ran = exoctl("--json", "plugin", "plot", "recorder", SERIES)
    assert (ran.code, ran.error["sentence"].endswith("takes sdds, not sddu")) == (2, True)


@pytest.mark.parametrize("span", ["0", "soon", "-1h", "5d"])
def test_a_time_that_is_none_is_refused_before_anything_is_asked(recorder: FakeExod, exoctl: Exoctl, span: str) -> None:
    ran = exoctl("--json", "plugin", "plot", "recorder", SERIES, "--last", span)
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert recorder.calls == []


def test_a_plugin_that_is_not_installed_is_said_so(exod: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("--json", "plugin", "plot", "recorder", SERIES).error["code"] == "unknown-plugin"


def test_a_plugin_that_records_nothing_is_said_so(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("recorder")
    assert exoctl("--json", "plugin", "plot", "recorder", SERIES).error["code"] == "unknown-method"
