from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_lines_are_shown_without_what_a_terminal_obeys(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetLogs"] = lambda *_: [["one", "\x1b[2Jtwo\u202e"]]
    assert exoctl("plugin", "logs", "hello", "--lines", "2").out == "one\n\\x1b[2Jtwo\\u202e\n"
    assert exod.called("GetLogs") == [2]


def test_a_stamped_line_is_put_into_words(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetLogs"] = lambda *_: [
        ["1700000000.123 7 <4>low on tea", "1700000000.123 7 print()", "99999999999.0 x"]
    ]
    assert exoctl("plugin", "logs", "hello").out.splitlines() == [
        "2023-11-14 22:13:20Z instance 7 warning: low on tea",
        "2023-11-14 22:13:20Z instance 7 output: print()",
        "99999999999.0 x",
    ]


def test_json_is_a_list_of_objects(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetLogs"] = lambda *_: [["1700000000.123 7 <4>low on tea", "one"]]
    assert exoctl("--json", "plugin", "logs", "hello").json == [
        {"time": 1700000000.123, "instance": 7, "level": "warning", "text": "low on tea"},
        {"time": None, "instance": None, "level": "output", "text": "one"},
    ]
