"""`exod` as a command: who may run it, what it says when it cannot, and that it leaves no bus behind."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod import __main__ as command
from exod import dev
from exod.errors import Outcome, Refusal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="exod-t-", dir="/tmp") as directory:
        yield Path(directory)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "exod", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_who_is_not_root_is_told_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["exod"])
    assert command.main() == Outcome.FAILED.exit_code
    assert capsys.readouterr().err == "exod: cannot start exod: it needs root to build sandboxes\n"


def test_a_directory_it_may_not_use_ends_with_a_hint() -> None:
    done = run("--dev", "/var/lib/exod")
    assert done.returncode == Outcome.USAGE.exit_code
    assert done.stderr == (
        "exod: cannot use /var/lib/exod for development: production and the system live there\n"
        "  try: exod --dev /tmp/exod-dev\n"
    )


def test_what_it_quotes_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert command._refuse(Refusal("a", "cannot b: \x1b[2J", outcome=Outcome.REFUSED)) == 3
    assert capsys.readouterr().err == "exod: cannot b: \\x1b[2J\n"


@pytest.mark.slow
def test_settings_that_do_not_fit_end_it_and_its_bus(place: Path) -> None:
    claim = dev.claim(place / "dev")
    assert isinstance(claim, dev.Claim)
    dev.os.close(claim.lock)
    (claim.layout.config / "exod.toml").write_text("job-days = -1\n")
    (claim.layout.config / "exod.toml").chmod(0o600)
    done = run("--dev", str(place / "dev"))
    assert done.returncode == Outcome.USAGE.exit_code
    assert done.stderr.startswith('exod: cannot read settings: "job-days" is below 0\n')
    assert not (claim.layout.run / "bus").exists()
    assert dev._listener(claim.layout.run / "bus") == -1


def test_a_bus_that_cannot_be_started_ends_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "BUS", "/nonexistent/dbus-daemon")
    monkeypatch.setattr(command.signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["exod", "--dev", str(place / "dev")])
    assert command.main() == Outcome.FAILED.exit_code
    assert "apt install dbus-daemon" in capsys.readouterr().err


def test_without_arguments_it_serves_production(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr(command, "_serve", lambda layout, *, verbose: served.append((layout.development, verbose)) or 0)
    monkeypatch.setattr(sys, "argv", ["exod", "--verbose"])
    assert command.main() == 0
    assert served == [(False, True)]
