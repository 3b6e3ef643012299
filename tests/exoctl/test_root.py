import importlib.metadata
import os

import click
import pytest

import exoctl as package
from exoctl.root import NOUNS, cli
from tests.exoctl.conftest import Exoctl


def test_the_nouns_are_the_directories() -> None:
    here = os.path.dirname(package.__file__)
    assert {name for name in os.listdir(here) if os.path.isfile(os.path.join(here, name, "__init__.py"))} == set(NOUNS)


def test_what_is_no_noun_is_no_command() -> None:
    assert cli.get_command(click.Context(cli), "toaster") is None


@pytest.mark.parametrize("installed", [True, False])
def test_the_version_is_that_of_the_installed_package(
    exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    def version(name: str) -> str:
        if not installed:
            raise importlib.metadata.PackageNotFoundError
        return "9.9"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert exoctl("--version").out == ("exoctl 9.9\n" if installed else "exoctl, run from its sources\n")
