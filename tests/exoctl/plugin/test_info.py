from exoctl.codec import Variant
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

INFO = {
    "name": Variant("s", "hello"),
    "process_id": Variant("u", 9),
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
