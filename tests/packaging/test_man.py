"""Manual pages: groff has nothing to say about them, and they say what `--help` says."""

import os
import subprocess
from dataclasses import fields
from pathlib import Path

import click
import pytest

from docs.man import commands, roff
from docs.man import pages as written
from exoctl.root import NOUNS, VERBS, cli
from exod.package.manifest import schema
from exod.settings import Settings, key

WIDTH = {"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": ""}


def man(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["man", "--warnings", "-E", "UTF-8", *arguments, "-l", str(page)]
    return subprocess.run(command, env=os.environ | WIDTH, capture_output=True, text=True, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", written())
def test_a_page_renders_without_a_warning(name: str, pages: Path) -> None:
    assert man(pages / name, "-Tutf8", "-Z").stderr == ""


def test_there_is_a_page_for_every_noun() -> None:
    assert {f"exoctl-{noun}.1" for noun in NOUNS | VERBS} < written().keys()


@pytest.mark.parametrize("noun", NOUNS)
def test_every_verb_stands_with_all_its_options_and_its_example(noun: str) -> None:
    page = written()[f"exoctl-{noun}.1"]
    for verb, context in commands.verbs(click.Context(cli, info_name="exoctl"), noun):
        assert roff.escape(context.command_path) in page
        assert roff.escape(verb.example) in page
        for option in verb.params:
            assert isinstance(option, click.Argument) or roff.escape(option.opts[0]) in page


def test_every_setting_stands_with_its_default() -> None:
    page = written()["exod.toml.5"]
    for row in fields(Settings):
        assert roff.escape(f"{key(row.name)} = ") in page
        assert roff.text(row.metadata["help"]).strip()[1:] in page


def test_every_key_of_the_manifest_stands() -> None:
    page = written()["package.toml.5"]
    for table in schema()["properties"].values():
        for name in table.get("properties", {}):
            assert f"\\fB{roff.escape(name)}\\fR" in page


def test_no_text_is_read_as_a_request() -> None:
    assert roff.paragraph(".so /etc/passwd") == ".PP\n\\&.so /etc/passwd\n"
    assert roff.text("'quoted") == "\\(aqquoted\n"
    assert roff.text("a\\b `c-d`") == "a\\eb \\fBc\\-d\\fR\n"


def test_the_date_is_the_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert '"1970-01-02"' in roff.head("exod", 8, "it")
