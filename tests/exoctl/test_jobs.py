import pytest

from exoctl import bus as bus_module
from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job


def test_without_waiting_the_number_is_the_answer(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.starts_job("Start", number=12)
    ran = exoctl("plugin", "start", "hello", "--no-wait")
    assert (ran.code, ran.out) == (0, "job 12 was accepted; watch it with: exoctl job watch 12\n")
    assert exoctl("plugin", "start", "hello", "--no-wait", "--json").json == {"job": 12, "state": "queued"}


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def signal(self: object, *, deadline: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bus_module.Connection, "signal", signal)


def test_ctrl_c_leaves_the_job_running_and_says_how_to_watch_it(
    exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    exod.runs(job(7, "running"))
    interrupt(monkeypatch)
    ran = exoctl("job", "watch", "7")
    assert (ran.code, ran.err) == (130, "job 7 goes on; watch it with: exoctl job watch 7\n")
    assert [member for _, member, _ in exod.calls] == []


def test_ctrl_c_in_json_is_a_line_too(exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch) -> None:
    exod.runs(job(7, "running"))
    interrupt(monkeypatch)
    last = exoctl("--json", "job", "watch", "7").lines[-1]
    assert last == {"job": 7, "state": "running", "detached": True, "hint": "exoctl job watch 7"}


def test_a_daemon_that_leaves_while_a_job_runs_is_said_so(bus: str, exoctl: Exoctl) -> None:
    fake = FakeExod(bus)
    fake.has_plugin("hello")
    fake.starts_job("Start")
    fake.runs(job(7, "running"))
    fake._nudge = lambda message: fake._server._socket.shutdown(2) if message.member == "GetAll" else None  # type: ignore[method-assign]
    ran = exoctl("--json", "--address", bus, "plugin", "start", "hello")
    assert (ran.code, ran.error["code"]) == (6, "daemon-unreachable")
    fake.join()
    fake._server.close()


def test_a_job_that_changes_without_a_signal_is_seen_within_a_second(
    exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exoctl.jobs._LOOK_AGAIN", 0.01)
    monkeypatch.setattr(exod, "_nudge", lambda message: None)
    exod.runs(job(7, "running"), job(7, "done", Result=DONE))
    assert exoctl("job", "watch", "7").code == 0


def test_an_answer_that_is_no_job_is_refused(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["Start"] = lambda *_: ["/org/exoos/Exod1/job/x"]
    assert exoctl("--json", "plugin", "start", "hello", "--no-wait").code == 2


def test_a_refusal_to_answer_is_no_missing_job(exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(message: object) -> None:
        raise bus_module.Refused(Refusal("slow", "cannot answer: slow", outcome=Outcome.FAILED))

    monkeypatch.setattr(exod, "_answer", answer)
    assert exoctl("--json", "job", "watch", "7").error["code"] == "slow"
