from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_the_loss_is_accepted_by_the_daemon(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["RecoverTrust"] = lambda *_: []
    assert exoctl("--json", "key", "recover").json == {"recovered": True}
    assert exoctl("key", "recover").out == "the loss is accepted; owners are pinned anew\n"


def test_without_authority_nothing_is_accepted(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("RecoverTrust", Refusal("not-authorized", "cannot recover: no", outcome=Outcome.NOT_AUTHORIZED))
    assert exoctl("--json", "key", "recover").code == 5


def test_a_dry_run_only_says_what_it_means(exod: FakeExod, exoctl: Exoctl) -> None:
    assert len(exoctl("--json", "key", "recover", "--dry-run").json["steps"]) == 2
    assert exod.calls == []
