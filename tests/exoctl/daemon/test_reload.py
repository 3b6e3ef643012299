from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_what_changed_is_printed(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Reload"] = lambda *_: [["trusted lab", "stopped hello"]]
    assert exoctl("daemon", "reload").out == "trusted lab\nstopped hello\n"
    assert exoctl("--json", "daemon", "reload").json == {"changes": ["trusted lab", "stopped hello"]}


def test_nothing_new_is_said_so(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Reload"] = lambda *_: [[]]
    assert exoctl("daemon", "reload").out == "nothing changed\n"


def test_a_dry_run_asks_nobody(exod: FakeExod, exoctl: Exoctl) -> None:
    assert len(exoctl("--json", "daemon", "reload", "--dry-run").json["steps"]) == 2
    assert exod.calls == []


def test_without_authority_nothing_is_read(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("Reload", Refusal("not-authorized", "cannot reload: no", outcome=Outcome.NOT_AUTHORIZED))
    assert exoctl("--json", "daemon", "reload").code == 5
