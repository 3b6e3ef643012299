"""What the package will hold, made once for all tests here."""

from pathlib import Path

import pytest

from docs.completions.__main__ import main as write_completions
from docs.man.__main__ import main as write_pages


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("man")
    write_pages(directory)
    return directory


@pytest.fixture(scope="session")
def completions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("completions")
    write_completions(directory)
    return directory
