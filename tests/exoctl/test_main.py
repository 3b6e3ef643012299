import json
import os
import subprocess
import sys
import time

import click
import pytest

from exoctl import __main__ as main_module
from exoctl.__main__ import cli, main, run
from tests.exoctl.conftest import Exoctl


def test_a_mistake_in_the_arguments_is_json_when_json_was_asked_for(exoctl: Exoctl) -> None:
    ran = exoctl("plugin", "load", "--json")
    assert ran.code == 2
    assert ran.error == {
        "code": "usage",
        "sentence": "cannot run exoctl plugin load: Missing argument 'FILE|NAME'",
        "hint": "exoctl plugin load --help",
        "evidence": {},
        "outcome": "usage",
    }


@pytest.mark.parametrize("argv", [(), ("plugin",), ("--json",), ("plugin", "levitate"), ("ghost",), ("--lightly",)])
def test_what_makes_no_command_ends_with_2(exoctl: Exoctl, argv: tuple[str, ...]) -> None:
    assert exoctl(*argv).code == 2


def test_without_a_verb_the_verbs_are_shown(exoctl: Exoctl) -> None:
    assert "load" in exoctl("plugin").out
    assert exoctl("--json", "plugin").error["code"] == "usage"


def test_a_bug_of_ours_says_so_in_the_form_that_was_asked_for(exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "_invoke", lambda argv: 1 // 0)
    ran = exoctl("--json", "plugin", "list")
    assert (ran.code, ran.error["code"]) == (1, "internal-error")
    assert "Traceback" not in exoctl("plugin", "list").err


@pytest.mark.parametrize(
    ("error", "code"), [(click.Abort(), 130), (KeyboardInterrupt(), 130), (click.FileError("x"), 1)]
)
def test_every_way_to_end_has_its_code(
    exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def invoke(argv: list[str]) -> int:
        raise error

    monkeypatch.setattr(main_module, "_invoke", invoke)
    assert exoctl("plugin", "list").code == code


def test_help_and_version_end_well(exoctl: Exoctl) -> None:
    assert exoctl("--help").code == 0
    assert exoctl("--version").out.startswith("exoctl")


def test_json_after_two_dashes_is_an_argument(exoctl: Exoctl) -> None:
    ran = exoctl("plugin", "start", "--", "--json")
    assert ran.err.startswith("exoctl: cannot start --json")


def test_main_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["exoctl", "ghost"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2


def every_verb() -> list[tuple[str, ...]]:
    """The words that make each; some nouns are a verb themselves."""
    context = click.Context(cli)
    groups = {noun: cli.get_command(context, noun) for noun in cli.list_commands(context)}
    alone: list[tuple[str, ...]] = [(noun,) for noun, group in groups.items() if not isinstance(group, click.Group)]
    nouns = [(noun, group) for noun, group in groups.items() if isinstance(group, click.Group)]
    return [(noun, verb) for noun, group in nouns for verb in group.list_commands(context)] + alone


@pytest.mark.parametrize("words", every_verb(), ids=" ".join)
def test_every_verb_has_help_with_an_example_of_itself_and_speaks_json(exoctl: Exoctl, words: tuple[str, ...]) -> None:
    text = exoctl(*words, "--help").out
    example = text.partition("Example:\n")[2].strip()
    assert example.startswith(f"exoctl {' '.join(words)}")
    assert "--json" in text
    assert "--address" in text


READS: set[tuple[str, ...]] = {
    ("top",),
    ("plugin", "list"), ("plugin", "info"), ("plugin", "logs"), ("plugin", "plot"),
    ("package", "inspect"), ("package", "verify"),
    ("package", "lint"),
    ("package", "schema"), ("key", "list"), ("job", "list"), ("job", "watch"), ("registry", "find"),
    ("link", "list"), ("link", "top"),
    ("registry", "check"), ("daemon", "status"), ("daemon", "check-config"),
    ("audit", "show"), ("audit", "follow"), ("audit", "verify"),
}  # fmt: skip


@pytest.mark.parametrize("words", every_verb(), ids=" ".join)
def test_whatever_changes_something_can_be_tried_dry(exoctl: Exoctl, words: tuple[str, ...]) -> None:
    assert ("--dry-run" in exoctl(*words, "--help").out) == (words not in READS)


@pytest.mark.parametrize("words", every_verb(), ids=" ".join)
def test_every_verb_has_its_own_test_file(words: tuple[str, ...]) -> None:
    *noun, verb = words
    assert os.path.exists(os.path.join(os.path.dirname(__file__), *noun, f"test_{verb.replace('-', '_')}.py"))


def test_no_verb_is_imported_before_it_is_named() -> None:
    program = (
        "import sys; from exoctl.__main__ import run; run(['--json', 'plugin', 'list', '--address', 'unix:path=/x']);"
        "loaded = [name for name in sys.modules if name.startswith(('exoctl.', 'rich', 'asyncio', 'cryptography'))];"
        "print(*sorted(loaded), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert json.loads(done.stdout)["error"]["code"] == "daemon-unreachable"
    loaded = set(done.stderr.split())
    assert "exoctl.plugin.list" in loaded
    assert not {"exoctl.plugin.load", "exoctl.jobs", "rich", "asyncio", "cryptography"} & loaded


def test_a_reader_that_goes_away_is_no_drama() -> None:
    program = "import sys; from exoctl.__main__ import main; sys.argv = ['exoctl', '--help']; main()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("words", [["--help"], ["package", "schema"], ["package", "schema", "--json"]])
def test_a_full_disk_is_one_line_and_exit_code_1(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "exoctl", *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "exoctl: cannot write the answer: No space left on device\n")


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-", ">/dev/full 2>&1", "2>/dev/full"])
def test_closed_and_full_ends_never_show_python(closing: str) -> None:
    command = f"{sys.executable} -m exoctl plugin list --address unix:path=/nowhere {closing}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 6
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception" not in done.stdout + done.stderr


def test_a_run_in_process_is_fast() -> None:
    began = time.process_time()
    run(["--json", "plugin", "list", "--address", "unix:path=/nowhere"])
    assert time.process_time() - began < 0.25
