from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod, job


def test_a_cancelled_job_is_what_was_asked_for(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Cancel"] = lambda *_: []
    exod.runs(job(7, "running"), job(7, "undoing"), job(7, "cancelled"))
    ran = exoctl("job", "cancel", "7")
    assert (ran.code, ran.out) == (0, "job 7 is cancelled: cannot finish job 7: it was cancelled\n")


def test_json_ends_with_the_state(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Cancel"] = lambda *_: []
    exod.runs(job(7, "running"), job(7, "cancelled"))
    assert exoctl("--json", "job", "cancel", "7").lines[-1]["state"] == "cancelled"


def test_a_job_that_was_refused_meanwhile_stays_refused(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Cancel"] = lambda *_: []
    exod.runs(job(7, "running"), job(7, "failed"))
    assert exoctl("--json", "job", "cancel", "7").code == 1


def test_past_the_point_of_no_return_exod_refuses(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.runs(job(7, "running"))
    exod.refuses("Cancel", Refusal("past-return", "cannot cancel job 7: too late", outcome=Outcome.REFUSED))
    assert exoctl("--json", "job", "cancel", "7").code == 3


def test_a_dry_cancel_says_what_would_be_undone(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.runs(job(7, "running"))
    assert exoctl("--json", "job", "cancel", "7", "--dry-run").json["steps"][1] == "undo its 3 steps in reverse"
    exod.runs(job(7, "done"))
    assert exoctl("job", "cancel", "7", "--dry-run").out == "nothing would change\n"


def test_without_waiting_the_request_is_enough(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Cancel"] = lambda *_: []
    exod.runs(job(7, "running"))
    assert exoctl("job", "cancel", "7", "--no-wait").code == 0
