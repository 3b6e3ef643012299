"""An exod that can be killed: attaches in DIR, starts instances, stops at a stage, says so, and waits for its end.

holder.py DIR STAGE, where STAGE is one of: running, prepared, deposited, forked.
"""

import asyncio
import sys
from pathlib import Path

from exod.sandbox import birth
from exod.sandbox.lease import Lease
from tests.exod.sandbox.rig import Rig


async def main(directory: Path, stage: str) -> None:
    rig = Rig(directory)
    await rig.attach()
    peers = [await rig.start(number) for number in (1, 2)]
    launch = rig.launch(3)
    if stage != "running":
        await rig.host.prepare(launch)
    if stage == "forked":
        Lease.bind = stop  # type: ignore[method-assign, assignment]
        await birth.spawn(rig.host._open(), rig.host._cells[3], launch)
    say(f"ready {' '.join(str(peer.pid) for peer in peers)}")
    await asyncio.Event().wait()


def stop(_: Lease, id_: int, *, pid: int, pidfd: int) -> None:
    """Instead of binding: the instance is forked and nobody has said so to the keeper."""
    say(f"ready {pid}")
    while True:
        sys.stdin.read()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
