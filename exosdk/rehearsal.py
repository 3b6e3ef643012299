"""A life in the zygote, before its first fork: touches the code, caches and pages that an instance would touch.

A page that the zygote has written is shared by all instances until they write to it; CPython rewrites its bytecode in
place as it runs warm, so code that ran here often enough costs an instance nothing. Leaves no plugin registered.
"""

import _socket
import gc
import os
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from typing import Any

from exosdk import hooks, wire
from exosdk.instance import Runner, separate_from_siblings
from exosdk.post import Post
from exosdk.walls import report

PRELOADED = ("json",)
"""Modules that many plugins import; loaded once, they are nobody's memory. Not tempfile: its `random` reseeds itself
in every fork, and what a list like (datetime, dataclasses, base64, tempfile) scatters costs each instance 0.1 MB.
"""

LINKED = ("exosdk.mail", "exosdk.remote", "exosdk.fit")
"""What an instance with links needs, and no other touches. No instance can load the ring's machine code by itself."""
_TIMES = 12
"""CPython 3.11 specialises a function after 8 runs."""
_PLAYER = "exosdk.player"
_SERVICE = wire.Service(
    "rehearsal",
    "a.b",
    (wire.Method("Say", "su", "s"),),
    (wire.Signal("Said", "s"),),
    (wire.Property("Count", "u", "read"), wire.Property("Volume", "d", "readwrite")),
)


def rehearse(manager: hooks.Manager, *, code: str, finish: Callable[[], None] = gc.freeze) -> None:
    """With the manager and the path that the instances will use; `finish` is the last word before the forks.

    The finder of `code` is made here: otherwise each instance would first try to read the directory as a zip file.
    """
    for name in PRELOADED:
        __import__(name)
    for _ in range(_TIMES):
        _play(manager, code=code)
    for name in LINKED:
        __import__(name)
    # Only a package that was granted `native` has a file for the first of them.
    loaders = (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceFileLoader, SOURCE_SUFFIXES)
    sys.path_importer_cache[code] = FileFinder(code, *loaders)
    gc.collect()
    finish()


def _play(manager: hooks.Manager, *, code: str) -> None:
    separate_from_siblings()
    supervisor, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    for frame in _script():
        supervisor.send(wire.encode(frame))
    post, path = Post(theirs.detach()), list(sys.path)
    try:
        Runner(post, manager=manager, code=code, state="/nowhere").run(_hello())
    finally:
        post.close()
        supervisor.close()
        sys.path[:] = path
        sys.modules.pop(_PLAYER, None)
        for plugin in manager.get_plugins():
            manager.unregister(plugin)


def _hello() -> wire.Hello:
    """The probes of the real report would try this process's walls, and it has none yet."""
    walls = report({"Seccomp": 2}, probes={"denied.rehearsal": lambda: os.listdir("/proc/nowhere")})
    return wire.Hello(0, bytes(16), wire.OLDEST_PROTOCOL, wire.PROTOCOL, walls)


def _script() -> list[wire.Down]:
    hook, method = _call("hook", "start", {}), _call("method", "Say", ["x", 2])
    read, write = _call("get", "Count", []), _call("set", "Volume", [2.0])
    configure, stop = _call("hook", "configure", {"values": {"a": 1}}), _call("hook", "stop", {})
    entry = f"{_PLAYER}:Player"
    go = wire.Go(wire.PROTOCOL, "rehearsal", "0", "custom", entry, {"a": 1}, {"a": ("b",)}, (_SERVICE,), 1.0)
    return [
        go,
        wire.Ping(1),
        hook,
        method,
        read,
        write,
        configure,
        wire.Ping(2),
        stop,
        _call("hook", "health", {}),
        wire.Bye(),
    ]


def _call(kind: str, member: str, arguments: Any) -> wire.Call:
    return wire.Call(1, kind, "rehearsal", member, wire.pack(arguments), "", 0, 1.0)
