"""On another host, with what was compiled here: python -m tests.security.hostile.elsewhere TOOLS → verdicts as JSON.

That host may be an emulated one, twenty times as slow: every deadline, of exod's too, is a long one there.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path
from unittest import mock

from exod.brokers.network.own import steps
from exod.sandbox import birth, generation, host, lease
from exod.sandbox.groups import Groups
from tests.exod.sandbox import rig
from tests.security.hostile import house
from tests.security.hostile.catalogue import EVERY
from tests.security.hostile.page import said
from tests.security.hostile.trial import Verdict, verdicts

PATIENCE = 200.0
DEADLINES = (
    (birth, "FIRST_WORD"),
    (steps, "SECONDS"),
    (generation, "DEADLINE"),
    (host, "PATIENCE"),
    (lease, "DEADLINE"),
    (rig, "PATIENCE"),
    (house, "PATIENCE"),
)


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Nothing here is stopped by a deadline, so longer ones change no verdict."""
    with contextlib.ExitStack() as stack:
        for kind, name in ((lease.Lease, "take"), (Groups, "end")):
            patient = partialmethod(getattr(kind, name), seconds=PATIENCE)
            stack.enter_context(mock.patch.object(kind, name, patient))
        for module, name in DEADLINES:
            stack.enter_context(mock.patch.object(module, name, PATIENCE))
        yield


def row(verdict: Verdict) -> dict[str, str]:
    """`lacked`: the wall that this kernel is too old to have, and that was seen to stop nothing."""
    young, alone = verdict.attempt.too_young, verdict.alone
    lacked = young if young in alone and alone[young].succeeded else ""
    return {"said": said(verdict), "why": verdict.full.why or verdict.open.why, "lacked": lacked}


if __name__ == "__main__":
    with unhurried():
        tried = asyncio.run(verdicts(EVERY, Path(sys.argv[1])))
    json.dump({verdict.attempt.name: row(verdict) for verdict in tried}, sys.stdout)
