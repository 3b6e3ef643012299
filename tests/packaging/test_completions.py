"""Completions: each shell reads its script, and is offered what the command line has."""

import os
import subprocess
from pathlib import Path

import pytest

from docs.completions import tree
from exoctl.root import NOUNS, VERBS

PROBE = """
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
source "$1"
_exoctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def bash(completions: Path, words: str, *, path: str = "") -> list[str]:
    """What is offered for the last of `words`."""
    script = PROBE.format(words=words)
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"}
    command = ["bash", "-c", script, "-", str(completions / "exoctl.bash")]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()


def fish(completions: Path, words: str, *, path: str = "") -> list[str]:
    script = f"source {completions / 'exoctl.fish'}; complete -C '{words}'"
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"}
    lines = subprocess.run(["fish", "-N", "-c", script], capture_output=True, text=True, check=True, env=environment)
    return [line.partition("\t")[0] for line in lines.stdout.splitlines()]


@pytest.fixture
def bus(tmp_path: Path) -> str:
    """A directory for PATH whose busctl answers with two plugins and a job, whatever it is asked."""
    answer = "".join(f'"{tree.PATH}/{what}" 0 ' for what in ("plugin/echo", "plugin/ai_runtime", "job/7"))
    (tmp_path / "busctl").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >{tmp_path}/asked\necho 'a{{oa}} {answer}'\n")
    (tmp_path / "busctl").chmod(0o755)
    return str(tmp_path)


@pytest.mark.parametrize(("shell", "name"), [("bash", "exoctl.bash"), ("zsh", "_exoctl"), ("fish", "exoctl.fish")])
def test_the_shell_finds_no_fault_in_its_script(shell: str, name: str, completions: Path) -> None:
    done = subprocess.run([shell, "-n", str(completions / name)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["exoctl.bash", "_exoctl", "exoctl.fish"])
def test_every_verb_and_option_is_known_to_every_shell(name: str, completions: Path) -> None:
    text = (completions / name).read_text()
    for verb in tree.verbs():
        assert f"{verb.noun} {verb.name}" in text
        for option in verb.options:
            assert option.names[-1].lstrip("-") in text


def test_a_noun_offers_its_verbs(completions: Path) -> None:
    assert bash(completions, 'exoctl ""') == [*NOUNS, *VERBS]
    assert bash(completions, "exoctl --json --address x plugin lo") == ["load", "logs"]
    assert fish(completions, "exoctl --json --address x plugin lo") == ["load", "logs"]


def test_an_option_offers_its_choices(completions: Path) -> None:
    assert bash(completions, "exoctl package new --type d") == ["device-driver"]
    assert fish(completions, "exoctl package new --type device") == ["device-driver"]


def test_a_file_is_offered_where_a_package_is_wanted(completions: Path, tmp_path: Path) -> None:
    (tmp_path / "one.exopkg").touch()
    assert bash(completions, f"exoctl plugin install {tmp_path}/o") == [f"{tmp_path}/one.exopkg"]
    assert fish(completions, f"exoctl plugin install {tmp_path}/o") == [f"{tmp_path}/one.exopkg"]


def test_live_names_are_asked_of_the_bus_which_starts_nothing(completions: Path, bus: str) -> None:
    for shell in (bash, fish):
        assert shell(completions, "exoctl plugin info a", path=bus) == ["ai-runtime"]
        assert shell(completions, "exoctl job watch 7", path=bus) == ["7"]
        assert "--auto-start=no --timeout=1" in Path(bus, "asked").read_text()


def test_nothing_of_python_runs_on_a_tab(completions: Path) -> None:
    for name in ("exoctl.bash", "_exoctl", "exoctl.fish"):
        lines = [line for line in (completions / name).read_text().splitlines() if not line.startswith("complete ")]
        assert not any("python" in line or "$(exoctl" in line for line in lines)
