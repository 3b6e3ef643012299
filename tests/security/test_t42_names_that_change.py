"""THREATS 42: a name whose addresses change between two looks, asked by the real resolver of a host of our own."""

import subprocess
import sys

import pytest

from tests import uids
from tests.shape import tree

REFUSED = "cannot connect to rebound.example:443: the name leads into this host or its own networks"
UID = uids.OTHER


@pytest.mark.slow
def test_each_answer_is_looked_at_and_only_what_was_looked_at_is_dialled() -> None:
    command = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-m"]
    done = subprocess.run(
        [*command, "tests.security.lying_names", str(UID)], cwd=tree.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    gone = "cannot connect to rebound.example:443: No route to host"
    dialled = ["dialled 93.184.216.34", gone]
    assert done.stdout.splitlines() == [*dialled, REFUSED, REFUSED, REFUSED, *dialled]
