"""A plugin that asks another without pause, which is killed again and again: a kill's number → what became of requests.

Each has exactly one end: its own answer, or `instance-lost`; what was asked while nobody was there is refused.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.talkers import Talkers, opened

ASKER, ASKED = "copy-one", "copy-two"
_TALLY = "dict(self.tally, open=len(self.open))"


@contextmanager
def pair(directory: Path) -> Iterator[Talkers]:
    """Who asks, at it; and who is asked."""
    with opened(directory) as talkers:
        talkers.load(ASKED)
        talkers.load(ASKER)
        talkers.run(ASKER, f"self.pester({ASKED!r})")
        yield talkers


def strike(talkers: Talkers, number: int) -> dict[str, Any]:
    """One kill in mid-traffic; and the traffic goes on with its next life."""
    before = talkers.run(ASKER, _TALLY)
    going = talkers.until(ASKER, _TALLY, lambda now: now["answered"] > before["answered"] + 100)
    os.kill(talkers.shop.daemon.exoctl("plugin", "info", ASKED)["process_id"], signal.SIGKILL)
    talkers.shop.await_state(ASKED, "error")
    talkers.again(ASKED)
    after = talkers.until(ASKER, _TALLY, lambda now: now["answered"] > going["answered"] + 100)
    ends = after["answered"] + after["lost"] + after["refused"]
    return {
        "number": number,
        "asked": after["asked"] - before["asked"],
        "lost requests": after["lost"] - before["lost"],
        "violations": [f"{after} do not add up"] * (after["asked"] != ends + after["open"])
        + [f"{after['wrong']} ended twice or with another's answer"] * bool(after["wrong"]),
    }


def run(directory: Path, count: int, *, report: Callable[[str], None]) -> list[dict[str, Any]]:
    rows = []
    with pair(directory) as talkers:
        for number in range(count):
            rows.append(strike(talkers, number))
            report(f"requests: kill {number}: {'; '.join(rows[-1]['violations']) or 'ok'}")
    return rows
