from exod.names import BUS_NAME, job_path
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod, job


def jobs(exod: FakeExod) -> None:
    for number, state in ((12, "running"), (7, "done")):
        exod.objects[job_path(number)] = {f"{BUS_NAME}.Job": job(number, state)}


def test_jobs_are_listed_by_number(exod: FakeExod, exoctl: Exoctl) -> None:
    jobs(exod)
    head, first, second = exoctl("job", "list").out.splitlines()
    assert head.split()[:2] == ["JOB", "KIND"]
    assert (first.split()[0], second.split()[0]) == ("7", "12")
    assert "2023-11-14 22:13:20Z" in first


def test_only_the_active_ones_when_asked(exod: FakeExod, exoctl: Exoctl) -> None:
    jobs(exod)
    assert [row["id"] for row in exoctl("--json", "job", "list", "--active").json] == [12]


def test_no_jobs_is_said_in_words(exod: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("job", "list").out == "no jobs\n"
