"""A plugin's directory, as `package new` makes it."""

from pathlib import Path

import pytest

from exoctl import scaffold


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    top = tmp_path / "hello"
    for path, text in scaffold.files("hello", kind="custom").items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return top
