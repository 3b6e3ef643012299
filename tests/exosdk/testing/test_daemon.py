"""The development daemon as a child, with small scripts in the place of exod and exoctl."""

import sys
from pathlib import Path

import pytest

from exosdk.testing import daemon as kit
from exosdk.testing.daemon import CommandFailed, Daemon

READY = """
import signal, sys
print("starting", flush=True)
print("export EXOD_BUS_ADDRESS=unix:path=" + sys.argv[2] + "/bus EXOD_DEV_DIR=" + sys.argv[2], flush=True)
signal.sigwait([signal.SIGTERM])
"""
BLOCKED = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
EXOCTL = """
import json, os, sys
words = sys.argv[2:]
if words == ["fail"]:
    print(json.dumps({"error": {"code": "no", "sentence": "cannot do it: no"}}))
    sys.exit(3)
if words == ["usage"]:
    print(json.dumps({"error": {"code": "usage", "sentence": "cannot"}}), file=sys.stderr)
    sys.exit(2)
for word in words:
    print(json.dumps([word, os.environ.get("EXOD_DEV_DIR")]))
"""


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kit, "_script", lambda name: str(tmp_path / name))
    write(tmp_path / "exod", BLOCKED + READY)
    write(tmp_path / "exoctl", EXOCTL)
    return tmp_path


def write(path: Path, source: str) -> None:
    path.write_text(f"#!{sys.executable} -I\n{source}")
    path.chmod(0o755)


def test_it_is_started_when_it_says_what_to_export_and_stops_when_told(scripts: Path) -> None:
    daemon = Daemon(scripts / "dev", environment={"A": "b"})
    with daemon as running:
        assert running.environment["EXOD_BUS_ADDRESS"] == f"unix:path={scripts}/dev/bus"
        assert running.environment["A"] == "b"
        assert running.pid > 0
        assert running.seconds_to_ready > 0
    assert daemon.process is not None
    assert daemon.process.returncode == 0


def test_a_daemon_that_is_killed_is_gone(scripts: Path) -> None:
    with Daemon(scripts / "dev") as daemon:
        daemon.kill()
        assert daemon.process is not None
        assert daemon.process.returncode == -9


def test_a_daemon_that_ends_before_it_is_ready_says_its_last_words(scripts: Path) -> None:
    write(scripts / "exod", "print('no bus here')")
    with pytest.raises(RuntimeError, match="no bus here"):
        Daemon(scripts / "dev").start()


def test_a_daemon_that_is_never_ready_is_given_up(scripts: Path) -> None:
    write(scripts / "exod", BLOCKED + "signal.sigwait([signal.SIGTERM])")
    daemon = Daemon(scripts / "dev")
    with pytest.raises(TimeoutError):
        daemon.start(deadline=0.01)
    assert daemon.process is not None
    assert daemon.process.returncode == -9


def test_commands_are_told_where_the_daemon_is_and_their_json_is_returned(scripts: Path) -> None:
    with Daemon(scripts / "dev") as daemon:
        assert daemon.exoctl("one") == ["one", f"{scripts}/dev"]
        assert daemon.exoctl("one", "two") == [["one", f"{scripts}/dev"], ["two", f"{scripts}/dev"]]


@pytest.mark.parametrize(("word", "code"), [("fail", 3), ("usage", 2)])
def test_a_command_that_is_refused_raises_with_its_exit_code_and_error(scripts: Path, word: str, code: int) -> None:
    with Daemon(scripts / "dev") as daemon, pytest.raises(CommandFailed) as caught:
        daemon.exoctl(word)
    assert caught.value.code == code
    assert caught.value.error["sentence"].startswith("cannot")


def test_the_commands_are_those_beside_this_interpreter() -> None:
    assert kit._script("exoctl") == str(Path(sys.executable).with_name("exoctl"))
