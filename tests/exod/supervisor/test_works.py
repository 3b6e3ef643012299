"""Jobs in their turn, and how each end is recorded."""

from typing import Any

import pytest

from exod.supervisor.supervisor import Request, Verb
from tests.simulation.house import ROOT, House, played
from tests.simulation.packages import Kit


@played
async def test_each_job_is_audited_once_with_how_it_ended(house: House) -> None:
    await house.load()
    await house.load(Kit("bad", signer="eve"))
    ended = [(fields["job"], event) for event, fields in house.audit.written if event in ("job", "refused")]
    assert ended == [("1", "job"), ("2", "refused")]


@played
async def test_a_verdict_is_recorded_with_its_reasons(house: House) -> None:
    await house.load()
    (verdict,) = house.events("verdict")
    assert (verdict["plugin"], verdict["signer"], verdict["reasons"]) == ("hello", "alice", "signed")


@played
async def test_the_history_of_a_refused_job_is_kept_and_its_loss_is_no_failure(house: House) -> None:
    refused = await house.load(Kit(signer="eve"))
    assert house.disk.jobs[refused.id].state == "refused"
    house.fate.fail = lambda name: "put_job" in name
    again = await house.load(Kit(signer="eve"))
    assert again.state == "refused"
    assert again.id not in house.disk.jobs


@played
async def test_what_nobody_foresaw_ends_its_own_job_and_says_internal_error(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(data: bytes) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(house.supervisor._planner._gate, "parse", explode)
    job = house.supervisor.submit(Request(Verb.LOAD, ROOT, package=b"x"))
    view = await house.supervisor.finished(job)
    assert (view.state, view.refusal["code"]) == ("failed", "internal")
    assert view.refusal["sentence"].startswith("internal error: ")


@played
async def test_jobs_of_one_plugin_run_in_the_order_of_asking(house: House) -> None:
    await house.load(start=False)
    jobs = [house.supervisor.submit(Request(verb, ROOT, "hello")) for verb in (Verb.START, Verb.SUSPEND, Verb.RESUME)]
    assert [(await house.supervisor.finished(job)).state for job in jobs] == ["done"] * 3
