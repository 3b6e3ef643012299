"""What the package will hold, made once for all tests here."""

from pathlib import Path

import pytest

from docs.__main__ import main as write


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("docs")
    write(directory)
    return directory


@pytest.fixture
def pages(written: Path) -> Path:
    return written / "man"


@pytest.fixture
def completions(written: Path) -> Path:
    return written / "completions"
