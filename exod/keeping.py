"""`exod-keeper.service`: its cgroup, a socket and a runtime → the keeper, without privilege, in this very process.

Starts as root with what systemd delegated. Ends what an earlier keeper left, and is ready only when connections can
wait in the socket's queue. Refuses by the exit code and a line for the journal.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

from exod import layout as layouts
from exod.configuration import read_settings
from exod.errors import Refusal, Refused
from exod.layout import Layout
from exod.sandbox import launcher, runtime
from exod.sandbox.groups import Groups, place


def main() -> int:
    """`exod-keeper`, or `exod-keeper renew PID`. Returns only when it cannot become the keeper, or renewed one."""
    keeper = int(sys.argv[2]) if sys.argv[1:2] == ["renew"] else None
    return keep(layouts.production(), top=None, renewed=keeper)


def keep(layout: Layout, *, top: Path | None, renewed: int | None = None) -> int:
    """`top` is the delegated group; None asks where production's is. `renewed`: the pid of a keeper that runs."""
    chosen = read_settings(layout)
    if isinstance(chosen, Refusal):
        return _refuse(chosen)
    try:
        groups = Groups(top or place(directory=None), keeper=chosen.keeper_uid)
        if renewed is not None:
            _own(groups, uid=chosen.keeper_uid)
            launcher.replace_runtime(runtime.sources(layouts.SDK), keeper=renewed)
            return 0
        asyncio.run(_prepare(groups, uid=chosen.keeper_uid))
    except Refused as refused:
        return _refuse(refused.refusal)
    listener = launcher.listen(layout.run / "keeper.sock")
    ready = _notifier()  # its socket lies in /run, which the runtime is about to cover
    launcher.private_runtime(runtime.sources(layouts.SDK))
    launcher.become(chosen.keeper_uid)
    ready.send(b"READY=1\nSTATUS=keeping")
    ready.close()
    launcher.execute(str(groups.top), listener=listener)


async def _prepare(groups: Groups, *, uid: int) -> None:
    """The tree, empty, and this process in it. Whatever ran under the keeper before is nobody's now."""
    for group in (groups.top / "zygotes", groups.instances):
        await groups.end(group)
    _own(groups, uid=uid)
    (groups.top / "core/cgroup.procs").write_text("0")


def _own(groups: Groups, *, uid: int) -> None:
    """With each command of the unit, delegation makes User= the owner, who could then make groups and move processes;
    Groups.make gives what is needed.
    """
    for path in (groups.top, *groups.top.iterdir()):
        if path.stat().st_uid == uid:
            os.chown(path, 0, 0)
    groups.make()


def _notifier() -> socket.socket:
    """Where systemd is told (sd_notify(3)): one datagram, sent by a process that may no longer look it up."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = os.environ["NOTIFY_SOCKET"]
    end.connect("\0" + address[1:] if address.startswith("@") else address)
    return end


def _refuse(refusal: Refusal) -> int:
    sys.stderr.write(f"exod-keeper: {refusal.sentence}\n")
    return refusal.outcome.exit_code
