from exoctl.codec import Variant
from exod.errors import Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

INFO = {
    "name": Variant("s", "hello"),
    "process_id": Variant("u", 9),
    "state": Variant("x", 3),
    "metadata": Variant("a{sv}", {"critical": Variant("b", False), "authors": Variant("as", ["Ada", "Eve"])}),
    "limits": Variant("a{sv}", {}),
    "services": Variant("aa{ss}", [{"name": "x"}]),
}


def test_nested_fields_are_shown_by_their_full_name(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetInfo"] = lambda *_: [INFO]
    lines = dict(line.split(":", 1) for line in exoctl("plugin", "info", "hello").out.splitlines())
    assert lines["metadata.critical"].strip() == "no"
    assert lines["metadata.authors"].strip() == "Ada, Eve"
    assert lines["services"].strip() == '{"name": "x"}'


def test_json_keeps_the_shape(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["GetInfo"] = lambda *_: [INFO]
    info = exoctl("--json", "plugin", "info", "hello").json
    assert info["metadata"] == {"critical": False, "authors": ["Ada", "Eve"]}


def test_the_state_has_its_name_and_moments_are_readable(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    times = {"state": Variant("x", 3), "load_time": Variant("x", 1_700_000_000), "last_activity": Variant("x", 0)}
    exod.answers["GetInfo"] = lambda *_: [INFO | times]
    lines = dict(line.split(":", 1) for line in exoctl("plugin", "info", "hello").out.splitlines())
    assert lines["state"].strip() == "running (3)"
    assert lines["load_time"].strip() == "2023-11-14 22:13:20Z"
    assert lines["last_activity"].strip() == "never"
    told = exoctl("--json", "plugin", "info", "hello").json
    assert (told["state"], told["state_name"], told["load_time"], told["fault"]) == (3, "running", 1_700_000_000, None)


def test_a_plugin_in_error_says_why(exod: FakeExod, exoctl: Exoctl) -> None:
    refusal = Refusal("crashed", "cannot keep hello running: it was ended by a signal", "exoctl plugin logs hello")
    exod.has_plugin("hello", State=5, StateName="error", Fault=refusal.fields())
    exod.answers["GetInfo"] = lambda *_: [INFO | {"state": Variant("x", 5)}]
    assert exoctl("plugin", "info", "hello").out.splitlines()[-2:] == [
        "fault: cannot keep hello running: it was ended by a signal",
        "next: exoctl plugin logs hello",
    ]
    fault = exoctl("--json", "plugin", "info", "hello").json["fault"]
    assert (fault["code"], fault["sentence"]) == (refusal.code, refusal.sentence)


def test_what_it_holds_is_said_in_plain_words_and_rated(exod: FakeExod, exoctl: Exoctl) -> None:
    files = {"filesystem": Variant("as", ["read-only:/srv/a"])}
    context = {"capabilities": Variant("a{sv}", files), "acl": Variant("a{sv}", {"hello": Variant("s", "any")})}
    exod.has_plugin("hello")
    exod.answers["GetInfo"] = lambda *_: [INFO | {"security_context": Variant("a{sv}", context)}]
    told = exoctl("--json", "plugin", "info", "hello").json
    assert told["reach"] == ["reads /srv/a"]
    assert (told["rating"]["number"], len(told["rating"]["reasons"])) == (6, 2)
    lines = dict(line.split(":", 1) for line in exoctl("plugin", "info", "hello").out.splitlines())
    assert (lines["reach"].strip(), lines["rating.number"].strip()) == ("reads /srv/a", "6")
    assert lines["rating.line"].strip() == 'deny = ["filesystem"]'
