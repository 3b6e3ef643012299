"""Descriptors as plain numbers: one that is open for a block, a list of them closed once."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def close(descriptors: list[int]) -> None:
    """All of them, and empties the list: what was closed is not closed again."""
    while descriptors:
        os.close(descriptors.pop())
