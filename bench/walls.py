"""What the walls cost: the sandbox alone, without bus, signature and journal. Request → `go` answered.

Without walls the same zygote forks the same instance: what is left is the fork, the root with the plugin's code, the
handshake and the plugin. The product never starts one like that; only this row and the hostile suite build one.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.peers import PEERS, spawn_floor, timed
from bench.rows import Row, at_most, faster_by, median, percentile
from exod.brokers.files.domain import domain
from exod.brokers.files.steps import open_paths
from exod.brokers.logs.files import Logs
from exod.brokers.network.own.steps import Wires
from exod.brokers.resources.kernel import Kernel
from exod.layout import SDK
from exod.package.limits import Limits as Asked
from exod.plan.confine import LAYERS, Confinement, Layer
from exod.sandbox.host import Host, Places
from exod.sandbox.launch import Launch
from exod.settings import Settings
from exod.supervisor.channel import Channel

_BWRAP = "bwrap + python3"
_CODE = b"from exosdk import hookimpl\n\n\nclass Echo:\n    @hookimpl\n    def start(self):\n        pass\n"
_TREE = {"code/echo.py": (_CODE, False)}
_UIDS = 2_129_000_000
_SETTINGS = Settings(
    keeper_uid=_UIDS, data_uid=_UIDS + 1, uid_first=_UIDS + 256, uid_last=_UIDS + 65_535, zygote_forks=1 << 20
)
_BARE = (Layer.MOUNTS, Layer.ROOT)
"""Where the code lies."""
_WARM_UP = 5
_DEADLINE = 10.0


class _Deaf:
    """Of an instance that is only started and ended."""

    def emitted(self, *_: Any, **__: Any) -> None: ...
    def changed(self, *_: Any, **__: Any) -> None: ...
    def struck(self, *_: Any, **__: Any) -> None: ...
    def wanted(self, *_: Any, **__: Any) -> None: ...
    def unhealthy(self, *_: Any, **__: Any) -> None: ...


def cold_starts(directory: Path, *, rounds: int) -> list[Row]:
    """Walled and bare starts take turns, with a bwrap and the smallest program between them."""
    for name in ("run", "log", "data"):
        (directory / name).mkdir(parents=True)
    run, log, data = (directory / name for name in ("run", "log", "data"))
    logs = Logs(log, limit=1 << 20)
    wires = Wires(_SETTINGS)
    places = Places(run, logs, data, SDK, open_paths, domain, wires, development=directory)
    return asyncio.run(_measure(Host(places, _SETTINGS, Kernel(directory)), rounds))


async def _measure(host: Host, rounds: int) -> list[Row]:
    await host.attach(on_exit=lambda _: None, on_lost=lambda: None)
    walled, bare, ended, bwrap, floor = [], [], [], [], []
    try:
        for number in range(rounds + _WARM_UP):
            full, gone = await _life(host, 2 * number + 1, LAYERS)
            none, _ = await _life(host, 2 * number + 2, _BARE)
            if number >= _WARM_UP:
                walled.append(full)
                ended.append(gone)
                bare.append(none)
                bwrap.append(timed(PEERS[_BWRAP])[0])
                floor.append(spawn_floor())
    finally:
        await host.close(ending=True)
    least, peer = median(floor), median(bwrap)
    overhead = max(0.0, median(walled) - median(bare))
    return [
        Row("cold-start.p50", median(walled), "ms", peer, _BWRAP, least, at_most(1.5)),
        Row("cold-start.p99", percentile(walled, 0.99), "ms", percentile(bwrap, 0.99), _BWRAP, least),
        Row("cold-start.beside-bwrap", median(walled), "ms", peer, _BWRAP, least, faster_by(25.0)),
        Row("cold-start.without-walls.p50", median(bare), "ms", None, None, least),
        Row("isolation.p50", overhead, "ms", None, None, None, at_most(0.6)),
        Row("discard.p50", median(ended), "ms", None, None, least),
    ]


async def _life(host: Host, instance: int, layers: Iterable[Layer]) -> tuple[float, float]:
    """Milliseconds to `go` answered, and from there until nothing is left."""
    confinement = _confinement(frozenset(layers))
    uid = host.next_uid(signer=confinement.signer, level=confinement.level)
    launch = Launch(instance, os.urandom(16), uid, confinement, _TREE)
    began = time.perf_counter()
    await host.prepare(launch)
    channel = Channel((await host.spawn(launch)).end, _Deaf())
    await channel.hello(nonce=launch.nonce, deadline=_DEADLINE)
    await host.inspect(instance)
    await channel.go(confinement, deadline=_DEADLINE)
    running = time.perf_counter()
    channel.close()
    await host.discard(instance)
    return (running - began) * 1e3, (time.perf_counter() - running) * 1e3


def _confinement(layers: frozenset[Layer]) -> Confinement:
    rest: dict[str, Any] = {"limits": Asked(), "services": (), "config": {}, "permissions": {}, "files": ()}
    rest |= {"digest": "0" * 64, "signer": "bench", "level": "trusted"}
    return Confinement("bench", "1.0.0", "custom", entry="echo:Echo", layers=layers, **rest)
