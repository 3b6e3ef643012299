"""Descriptors are closed whatever happens, and once."""

import os

import pytest

from exod.linux.descriptors import close, opened


def test_a_descriptor_is_open_for_its_block_and_closed_after_an_error_too() -> None:
    kept = os.open(os.devnull, os.O_RDONLY)
    with pytest.raises(NotADirectoryError), opened(kept) as file:
        os.stat("below", dir_fd=file)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(kept)


def test_a_list_is_closed_once_however_often_that_is_asked() -> None:
    kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
    known = list(kept)
    close(kept)
    close(kept)
    for file in known:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(file)
