"""polkit asked for by hand: against a real bus with and without it, and one that says nothing."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from exoctl.bus import DRIVER, DRIVER_PATH, Connection
from exod.brokers.doctor import polkit
from tests.exod.dbus.rig import daemon


def test_a_bus_that_cannot_start_it_says_why() -> None:
    with daemon(shipped=False) as bus:
        words = polkit.answers(f"unix:path={bus.home}/bus")
    assert words.startswith("polkit does not answer: ")
    assert "org.freedesktop.PolicyKit1" in words


def test_a_bus_that_has_it_is_enough() -> None:
    with daemon(shipped=False) as bus, closing(Connection(bus.address)) as other:
        other.call(DRIVER_PATH, DRIVER, "RequestName", "su", [polkit._NAME, 0], destination=DRIVER)
        assert polkit.answers(f"unix:path={bus.home}/bus") == ""


@pytest.mark.parametrize(
    ("said", "words"), [(b"REJECTED EXTERNAL\r\n", "did not accept us"), (b"OK 0\r\n", "closed the connection")]
)
def test_a_bus_that_hangs_up_is_said(said: bytes, words: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match=words):
            _greet_and_read(ours)


def _greet_and_read(end: socket.socket) -> None:
    polkit._greet(end)
    polkit._receive(end)


def test_a_bus_that_is_silent_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polkit, "_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "bus"))
        end.listen()
        assert polkit.answers(f"unix:path={tmp_path}/bus") == "the bus did not answer in time"
