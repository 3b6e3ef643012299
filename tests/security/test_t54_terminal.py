"""THREATS 54: nothing that a stranger wrote makes a terminal do anything, or shows something else than it says."""

import unicodedata
from pathlib import Path

import pytest

from exoctl.__main__ import run
from exoctl.printer import clean, dumps
from exod.errors import Refusal
from tests.exoctl.fake import FakeExod, job, start_bus

HOSTILE = {
    "escape": "\x1b[2J\x1b]0;owned\x07",
    "c1": "\x9b31m",
    "nul": "a\0b",
    "line": "ok\nexoctl: all is well",
    "return": "bad\rgood",
    "override": "\u202egpj.exe",
    "isolate": "\u2066x\u2069",
    "mark": "\u200f\u061c",
    "invisible": "a\u200bb\ufeffc\u00adD",
    "separator": "x\u2028y\u2029z",
    "private": "\ue000",
    "tag": "\U000e0041",
    "surrogate": "\ud800",
    "delete": "\x7f\x7f",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_a_terminal_obeys_gets_through(text: str) -> None:
    shown = clean(text)
    assert all(unicodedata.category(letter)[0] not in "CZ" or letter == " " for letter in shown)
    assert "\\" in shown


def test_every_single_character_is_shown_or_escaped() -> None:
    for number in range(0x110000):
        shown = clean(chr(number))
        assert shown == chr(number) or (shown.isascii() and shown.startswith("\\"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_holds_it_without_obeying_it(text: str) -> None:
    assert dumps(text).isascii()
    assert dumps(text).isprintable()


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    address, process = start_bus(tmp_path)
    monkeypatch.setenv("EXOD_BUS_ADDRESS", address)
    fake = FakeExod(address)
    yield fake
    fake.leave()
    process.terminate()
    process.wait()
    process.stdout.close()


EVIL = "\x1b[31m\u202eevil\r\n"


@pytest.mark.parametrize("mode", [(), ("--json",)], ids=["people", "json"])
def test_a_manifest_a_log_and_an_error_are_cleaned_wherever_they_are_shown(
    daemon: FakeExod, capsys: pytest.CaptureFixture[str], mode: tuple[str, ...]
) -> None:
    daemon.has_plugin("hello", Type=EVIL, Summary=EVIL, Fault={"sentence": EVIL})
    daemon.answers["GetLogs"] = lambda *_: [[EVIL]]
    daemon.refuses("GetInfo", Refusal("x", f"cannot show: {EVIL}", EVIL))
    daemon.starts_job("Start")
    daemon.runs(job(7, "failed", Step=EVIL, Refusal=Refusal("x", EVIL, EVIL).fields()))
    for words in (("list",), ("logs", "hello"), ("info", "hello"), ("start", "hello")):
        run([*mode, "plugin", *words])
    printed = "".join(capsys.readouterr())
    assert "evil" in printed
    assert not {"\x1b", "\u202e", "\r"} & set(printed)
