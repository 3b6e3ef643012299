import os

import click

import exoctl as package
import exod
from exoctl.root import NOUNS, cli
from tests.exoctl.conftest import Exoctl


def test_the_nouns_are_the_directories() -> None:
    here = os.path.dirname(package.__file__)
    assert {name for name in os.listdir(here) if os.path.isfile(os.path.join(here, name, "__init__.py"))} == set(NOUNS)


def test_what_is_no_noun_is_no_command() -> None:
    assert cli.get_command(click.Context(cli), "toaster") is None


def test_the_version_is_that_of_the_daemon_beside_it(exoctl: Exoctl) -> None:
    assert exoctl("--version").out == f"exoctl {exod.__version__}\n"


def test_help_has_a_short_form_everywhere(exoctl: Exoctl) -> None:
    for words in ((), ("plugin",), ("plugin", "load")):
        assert exoctl(*words, "-h").out == exoctl(*words, "--help").out != ""
