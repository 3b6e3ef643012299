import io

import pytest

from exoctl import progress
from exoctl.objects import properties
from exoctl.printer import Printer
from tests.exoctl.fake import DONE, job


def test_the_end_of_a_refused_job_is_left_to_its_error() -> None:
    out = io.StringIO()
    with progress.lines(Printer(json_mode=True, out=out)) as report:
        report(properties(job(7, "running")))
        report(properties(job(7, "refused")))
    assert len(out.getvalue().splitlines()) == 1


def test_only_the_last_line_has_the_result() -> None:
    assert "result" not in progress.shown(properties(job(7, "running")))
    assert progress.shown(properties(job(7, "done", Result=DONE)))["result"] == DONE


def test_no_bar_for_a_job_that_is_soon_over() -> None:
    with progress.bar() as report:
        report(properties(job(7, "done")))


def test_a_bar_for_a_job_that_takes_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 1.0])
    display = progress._Bar(lambda: next(clock))
    display.report(properties(job(7, "running", Step="\x1b[2J[red]spawn")))
    display.report(properties(job(7, "running", Step="", Progress=60)))
    display.close()
    assert "\x1b[2J" not in capsys.readouterr().err


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.silence() as report:
        report({})
    assert capsys.readouterr() == ("", "")
