"""One private bus for all tests of the command line; a fresh fake daemon, and a fresh run of exoctl, for each."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exoctl import files, keyfiles
from exoctl.__main__ import run
from exoctl.private import PrivateIdentity
from tests.exoctl.fake import FakeExod, start_bus


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Every line that was printed, read as strict JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        (value,) = self.lines
        return value

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.lines[-1]["error"]
        return error


Exoctl = Callable[..., Ran]


@pytest.fixture
def exoctl(capsys: pytest.CaptureFixture[str]) -> Exoctl:
    def call(*argv: str) -> Ran:
        capsys.readouterr()
        code = run(argv)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    address, process = start_bus(tmp_path_factory.mktemp("bus"))
    yield address
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture
def exod(bus: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeExod]:
    monkeypatch.setenv("EXOD_BUS_ADDRESS", bus)
    fake = FakeExod(bus)
    yield fake
    fake.leave()


PHRASE = b"correct horse"


@dataclass(frozen=True)
class Key:
    private: Path
    public: Path
    phrase: Path
    id: str


@pytest.fixture(scope="session")
def made() -> PrivateIdentity:
    return PrivateIdentity.generate()


@pytest.fixture
def key(made: PrivateIdentity, tmp_path: Path) -> Key:
    found = Key(tmp_path / "lab.key", tmp_path / "lab.pub", tmp_path / "phrase", made.key_id)
    keyfiles.write(str(found.private), made, passphrase=PHRASE)
    found.public.write_text(keyfiles.public_text(made.identity))
    files.create(str(found.phrase), PHRASE + b"\n", mode=0o600)
    return found


@pytest.fixture
def trust_d(tmp_path: Path) -> Path:
    place = tmp_path / "trust.d"
    place.mkdir(mode=0o755)
    return place


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOD_BUS_ADDRESS", "unix:path=/nowhere/bus")
