from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_lines_are_shown_without_what_a_terminal_obeys(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetLogs"] = lambda *_: [["one", "\x1b[2Jtwo\u202e"]]
    assert exoctl("plugin", "logs", "hello", "--lines", "2").out == "one\n\\x1b[2Jtwo\\u202e\n"
    assert exod.called("GetLogs") == [2]


def test_json_is_a_list_of_lines(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetLogs"] = lambda *_: [["one"]]
    assert exoctl("--json", "plugin", "logs", "hello").json == ["one"]
