from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_satisfied_dependencies_end_well(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["CheckDependencies"] = lambda *_: [[["netcore", ">=1", "satisfied", "1.2"], ["z", "", "optional", ""]]]
    ran = exoctl("registry", "check", "hello")
    assert ran.code == 0
    assert ran.out.splitlines()[1].split() == ["netcore", ">=1", "satisfied", "1.2"]


def test_a_missing_one_ends_with_3_after_the_whole_table(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["CheckDependencies"] = lambda *_: [[["netcore", ">=1", "missing", ""]]]
    ran = exoctl("--json", "registry", "check", "hello")
    assert (ran.code, ran.lines[0][0]["status"], ran.error["code"]) == (3, "missing", "unsatisfied-dependency")


def test_a_plugin_without_dependencies_is_said_so(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["CheckDependencies"] = lambda *_: [[]]
    assert exoctl("registry", "check", "hello").out == "hello depends on nothing\n"


def test_a_capability_is_answered_with_its_reason(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["CheckCapability"] = lambda *_: [True, "its manifest asks for it"]
    assert exoctl("registry", "check", "hello", "--capability", "network").out == "yes: its manifest asks for it\n"
    exod.answers["CheckCapability"] = lambda *_: [False, "not asked for"]
    ran = exoctl("--json", "registry", "check", "hello", "--capability", "network")
    assert (ran.code, ran.json["error"]["code"]) == (3, "capability-not-held")
    assert ran.error["evidence"] == {"plugin": "hello", "capability": "network", "reason": "not asked for"}
    assert exoctl("registry", "check", "hello", "--capability", "network").out == "no: not asked for\n"
