"""An exod that can be killed: attaches in DIR, starts instances, stops at a stage, says so, and waits for its end.

holder.py DIR STAGE, where STAGE is one of: running, prepared, deposited, forked.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

from exod.sandbox import birth
from exod.sandbox.lease import Lease
from tests.exod.sandbox.rig import Rig

ROOT = Path(__file__).resolve().parents[3]


class Holder:
    """This file as a process, and what it said: the pids of instances 1 and 2, or of what was forked."""

    def __init__(self, directory: Path, stage: str) -> None:
        command = [sys.executable, "-m", "tests.exod.sandbox.holder", str(directory), stage]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        word, *pids = self.process.stdout.readline().split()
        assert word == b"ready"
        self.pids = [int(pid) for pid in pids]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


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
