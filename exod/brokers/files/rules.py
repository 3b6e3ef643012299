"""A path that is to be granted → what is wrong with it, before anything is opened. Pure."""

import os
from collections.abc import Iterable

from exod.errors import Refusal
from exod.plan.confine import CLOSED_ROOTS, OPEN_FILES, overlap

PATHS_MAX = 32
"""As many as one fork request carries."""
_RESERVED = ("/plugin", "/state", "/tmp", os.path.dirname(os.__file__))
"""Places in an instance's root that are exod's own."""


def refusal(path: str, *, forbidden: Iterable[str] = ()) -> Refusal | None:
    """`forbidden`: places of this very daemon."""
    if path in OPEN_FILES:
        return None
    clean = path.startswith("/") and path == os.path.normpath(path) and not path.startswith("//") and "\0" not in path
    if not clean or path == "/":
        return refuse(path, "it is not the plain absolute path of a file or directory")
    for place in (*CLOSED_ROOTS, *forbidden, *_RESERVED):
        if overlap(path, place):
            return refuse(path, f"nothing of {place} is ever granted")
    return None


def refuse(path: str, reason: str) -> Refusal:
    return Refusal("file-grant-refused", f"cannot grant {path}: {reason}", evidence={"path": path})
