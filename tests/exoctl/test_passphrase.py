import io
import os
from pathlib import Path

import click
import pytest

from exoctl import passphrase
from exoctl.printer import Printer
from exoctl.session import Session
from exod.errors import Refused


def session(*, json_mode: bool = False) -> Session:
    return Session(Printer(json_mode=json_mode, out=io.StringIO(), err=io.StringIO()))


def test_it_is_read_from_a_file_that_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    assert passphrase.obtain(session(), file=str(path), fd=None, new=True) == b"correct horse"


def test_it_is_read_from_a_descriptor() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"correct horse\n")
    os.close(writer)
    assert passphrase.obtain(session(), file=None, fd=reader) == b"correct horse"
    os.close(reader)
    with pytest.raises(Refused, match="descriptor 99999"):
        passphrase.obtain(session(), file=None, fd=99999)


def test_nobody_is_asked_in_json_mode_or_without_a_terminal() -> None:
    for each in (session(), session(json_mode=True)):
        with pytest.raises(Refused, match="nobody is there") as caught:
            passphrase.obtain(each, file=None, fd=None)
        assert "--passphrase-file" in caught.value.refusal.hint


def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "may_ask", True)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: "correct horse")
    assert passphrase.obtain(session(), file=None, fd=None, new=True) == b"correct horse"


def test_a_new_one_has_some_length_and_one_source(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("short")
    path.chmod(0o600)
    with pytest.raises(Refused, match="shorter than 8"):
        passphrase.obtain(session(), file=str(path), fd=None, new=True)
    assert passphrase.obtain(session(), file=str(path), fd=None) == b"short"
    with pytest.raises(Refused, match="not both"):
        passphrase.obtain(session(), file=str(path), fd=0)
