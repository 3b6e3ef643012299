"""uids that no other process uses: of this test process and its children, apart from a daemon beside the tests."""

import os
from typing import Final

_OURS = f"EXOD_TEST_UIDS_{os.environ.get('PYTEST_XDIST_WORKER', '')}"
_MANY: Final = 4096
FIRST: Final = int(os.environ.setdefault(_OURS, str(2_130_000_000 + os.getpid() % _MANY * _MANY)))
KEEPER: Final = FIRST
DATA: Final = FIRST + 1
LINT: Final = FIRST + 2
RESOLVER: Final = FIRST + 3
OTHER: Final = FIRST + 4
INSTANCES: Final = range(FIRST + 256, FIRST + _MANY)
"""Whose processes and files are a residue, once a test has ended."""
