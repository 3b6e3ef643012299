"""Any log of a test, judged as the command line judges a copy: with the first key, if it still lies there."""

from collections.abc import Sequence
from pathlib import Path

from exoctl.auditlog import INITIAL, Copy, judged, read_key
from exoctl.trail import Checkpoint, Report
from exod.state.chain import Head


def verify(path: Path, *, checkpoints: Sequence[Head] = (), with_key: bool = True) -> Report:
    key = path / INITIAL
    keys = [read_key(str(key))] if with_key and key.exists() else []
    remembered = [Checkpoint("a test", head.seq, head.hash) for head in checkpoints]
    return judged(Copy(str(path)), keys=keys, checkpoints=remembered)
