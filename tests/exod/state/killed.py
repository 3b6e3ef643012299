"""Run under killpoint.so: for each line `N DIRECTORY`, forks a child that fills the store there and dies at its N-th
change of a file. Answers `killed` or `done`, and how many steps had come back before.
"""

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from exod.state.records import InstanceRecord, JobRecord, PluginRecord, VersionRecord
from exod.state.store import Store
from exod.trust.state import TrustState

UID = 2146999999
JOB = JobRecord(1, "load", "hello", ":1.7", "running", 1.0, 0.0, "[]", "", "")
PLUGIN = PluginRecord("hello", "1.0.0", enabled=True, desired="running", config={})
VERSION = VersionRecord("hello", "1.0.0", "custom", "d" * 64, "a" * 64, "trusted", 1, 2.0)
INSTANCE = InstanceRecord(1, "hello", "1.0.0", "d" * 64, bytes(16), 2147000000, 7, 0, 3.0)
TRUST = TrustState(owners={"hello": "a" * 64}, marks={"hello": "1.0.0"}, clock=5, generation=1)
PACKAGE = b"package" * 3000


def steps(store: Store) -> list[Callable[[], Awaitable[None]]]:
    """What a load writes, in its order."""

    async def audit() -> None:
        store.audit.write("loaded", {"plugin": "hello"})
        await store.audit.flush()

    return [
        lambda: store.registry.put_job(JOB),
        lambda: store.packages.put("hello", "1.0.0", PACKAGE),
        lambda: store.trust_file.save(TRUST),
        lambda: store.registry.set_generation(1),
        lambda: store.registry.put_plugin(PLUGIN),
        lambda: store.registry.put_version(VERSION),
        lambda: store.data.make("hello"),
        lambda: store.registry.put_instance(INSTANCE),
        audit,
        lambda: store.registry.put_job(replace(JOB, state="done", finished=9.0)),
    ]


def audited(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.iterdir())


async def found(store: Store, root: Path) -> list[bool]:
    """For each step, whether what it wrote is there, whole."""
    snapshot = await store.registry.load()
    trust = await store.trust_file.load(generation=snapshot.generation)
    log = audited(root / "audit")
    return [
        bool(snapshot.jobs),
        await store.packages.get("hello", "1.0.0") == PACKAGE,
        trust == TRUST,
        snapshot.generation == 1,
        snapshot.plugins == (PLUGIN,),
        snapshot.versions == (VERSION,),
        (root / "data/hello").is_dir(),
        snapshot.instances == (INSTANCE,),
        b'"loaded"' in log,
        bool(snapshot.jobs) and snapshot.jobs[0].state == "done",
    ]


async def fill(root: Path, came_back: socket.socket) -> None:
    async with Store.open(root, data_uid=UID) as store:
        for step in steps(store):
            await step()
            came_back.send(b".")


def child(at: int, root: Path, came_back: socket.socket) -> None:
    ctypes.CDLL(None).killpoint_at(at)
    asyncio.run(fill(root, came_back))
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        at, root = line.split()
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            child(int(at), Path(root), theirs)
        theirs.close()
        _, status = os.waitpid(pid, 0)
        with ours:
            acknowledged = len(ours.recv(100))
        how = "killed" if os.WIFSIGNALED(status) else f"done {os.WEXITSTATUS(status)}"
        sys.stdout.write(f"{how} {acknowledged}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
