import pytest

from exod.errors import Outcome, Refusal
from exod.names import BUS_NAME, ROOT_PATH
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_the_loss_is_accepted_by_the_daemon(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["RecoverTrust"] = lambda *_: []
    assert exoctl("--json", "key", "recover").json == {"recovered": True}
    assert exoctl("key", "recover").out == "the loss is accepted; owners are pinned anew\n"


def test_without_authority_nothing_is_accepted(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("RecoverTrust", Refusal("not-authorized", "cannot recover: no", outcome=Outcome.NOT_AUTHORIZED))
    assert exoctl("--json", "key", "recover").code == 5


@pytest.mark.parametrize(("degraded", "steps"), [({"trust": "every load is refused"}, 1), ({"audit": "full"}, 0)])
def test_a_dry_run_promises_only_what_exod_would_do(
    exod: FakeExod, exoctl: Exoctl, degraded: dict[str, str], steps: int
) -> None:
    exod.objects[ROOT_PATH] = {f"{BUS_NAME}.Manager": {"Degraded": degraded}}
    assert len(exoctl("--json", "key", "recover", "--dry-run").json["steps"]) == steps
    assert ("refuse" in exoctl("key", "recover", "--dry-run").err) is (steps == 0)
    assert exod.calls == []
