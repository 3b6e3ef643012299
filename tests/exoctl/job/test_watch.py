from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job


def test_every_change_is_one_line_of_json_and_the_last_has_the_result(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.runs(job(7, "queued"), job(7, "running"), job(7, "running", Progress=80), job(7, "done", Result=DONE))
    ran = exoctl("--json", "job", "watch", "7")
    assert [line["state"] for line in ran.lines] == ["queued", "running", "running", "done"]
    assert ran.lines[2]["progress"] == 80
    assert ran.lines[-1]["result"] == DONE


def test_a_job_that_does_not_exist_is_not_found(exod: FakeExod, exoctl: Exoctl) -> None:
    ran = exoctl("--json", "job", "watch", "99")
    assert (ran.code, ran.error["code"]) == (4, "unknown-job")


def test_a_job_that_failed_fails_the_watch(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.runs(job(7, "cancelled"))
    ran = exoctl("job", "watch", "7")
    assert (ran.code, ran.err) == (1, "exoctl: cannot finish job 7: it was cancelled\nnext: exoctl job list\n")


def test_the_time_runs_out_with_its_own_exit_code(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.runs(job(7, "running"))
    ran = exoctl("--json", "job", "watch", "7", "--timeout", "0.01")
    assert (ran.code, ran.error["code"], ran.error["hint"]) == (7, "timed-out", "exoctl job watch 7")


def test_a_job_is_a_number(exoctl: Exoctl) -> None:
    assert exoctl("--json", "job", "watch", "seven").code == 2
