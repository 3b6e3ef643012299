import os
from pathlib import Path

import pytest

from exoctl.upload import opened
from exod.errors import Refused


def refused(path: str) -> str:
    with pytest.raises(Refused) as caught, opened(path, verb="load"):
        pass
    return caught.value.refusal.code


def test_a_fifo_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    assert refused(str(tmp_path / "f")) == "usage"


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert refused(str(tmp_path / "loop")) == "unreadable-file"
    assert refused(str(tmp_path / "absent")) == "no-such-file"


def test_the_descriptor_is_closed_whatever_happens(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ZeroDivisionError), opened(str(tmp_path / "x"), verb="load"):
        raise ZeroDivisionError
    assert os.listdir("/proc/self/fd") == before
