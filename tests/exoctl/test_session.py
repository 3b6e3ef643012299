import io
import sys

import pytest

from exoctl.printer import Printer
from exoctl.session import Action, Session
from exod.errors import Refused
from tests.exoctl.fake import FakeExod


def session(*, json_mode: bool = False, **how: object) -> tuple[Session, io.StringIO]:
    out = io.StringIO()
    return Session(Printer(json_mode=json_mode, out=out, err=io.StringIO()), **how), out  # type: ignore[arg-type]


def test_what_a_dry_run_prints_is_what_would_be_done() -> None:
    done: list[str] = []
    actions = [Action("first", lambda: done.append("first")), Action("second", lambda: done.append("second"))]
    dry, out = session(dry_run=True)
    assert not dry.perform(actions)
    assert (done, out.getvalue()) == ([], "would, in this order:\n  1. first\n  2. second\n")
    wet, out = session()
    assert wet.perform(actions)
    assert (done, out.getvalue()) == (["first", "second"], "")


def test_the_bus_is_the_one_that_was_said_or_exported(exod: FakeExod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOD_BUS_ADDRESS", "unix:path=/nowhere")
    with session(address=exod.address)[0] as said:
        assert said.bus is said.bus
    monkeypatch.setenv("EXOD_BUS_ADDRESS", exod.address)
    with session()[0] as found:
        assert found.bus.address == exod.address
    monkeypatch.delenv("EXOD_BUS_ADDRESS")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    with session()[0] as lost, pytest.raises(Refused, match="No such file"):
        lost.bus  # noqa: B018 - connecting is what is tested


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_is_asked_only_at_a_terminal_and_never_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert session()[0].may_ask
    assert not session(json_mode=True)[0].may_ask
    monkeypatch.setattr(sys, "stdin", None)
    assert not session()[0].may_ask


def test_configuration_is_this_hosts_or_the_development_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXOD_DEV_DIR", raising=False)
    assert session()[0].configuration == "/etc/exod"
    monkeypatch.setenv("EXOD_DEV_DIR", "/tmp/x")
    assert session()[0].configuration == "/tmp/x/etc"
