"""The bomber, its neighbours, and the bombs: a name → a signed package; a bomb → how whoever throws it shall end."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exoctl.trustfiles import anchor_file
from tests import builders

BOMBER, NEIGHBOUR = "bomber", "calm"

OVER: Mapping[str, str] = {"forks": "tasks", "threads": "tasks", "memory": "memory", "files": "files", "pipes": "files"}
"""Bomb → the limit that it goes over within a second or two."""
BROKEN = ("lies",)
"""Ended at once, for the rules of the channel are broken."""
DEAF = ("tmp", "signals", "log", "denials")
"""What the kernel or exod holds back, while the bomber has no time left to answer a ping: `unhealthy` after four."""
SLOW: Mapping[str, str] = {"cpu": "cpu"}
"""Judged by an average over twenty seconds."""
UNSTOPPABLE = ("sigterm",)
"""Does nothing but not end: told to stop, and by SIGTERM. Whoever unloads it is told that it did not stop."""
BOMBS = (*OVER, *BROKEN, *DEAF, *SLOW, *UNSTOPPABLE)

_CODE = b"""
import os
import signal
import threading
import time

from exosdk import hookimpl, wire


class Bomber:
    def __init__(self, context):
        self.context, self.kept, self.deaf = context, [], False

    def throw(self, bomb):
        self.timer = self.context.every(0.01, getattr(self, bomb))

    @hookimpl
    def stop(self):
        while self.deaf:
            pass

    def endlessly(self, act):
        while True:
            try:
                act()
            except (OSError, RuntimeError, MemoryError):
                pass

    def forks(self):
        self.endlessly(os.fork)

    def threads(self):
        threading.stack_size(1 << 16)
        self.endlessly(lambda: threading.Thread(target=time.sleep, args=(600,), daemon=True).start())

    def memory(self):
        self.endlessly(lambda: self.kept.append(b"x" * (1 << 20)))

    def files(self):
        self.endlessly(lambda: self.kept.append(os.dup(0)))

    def pipes(self):
        def fill():
            try:
                self.kept.append(os.pipe2(os.O_NONBLOCK))
                os.write(self.kept[-1][1], bytes(1 << 16))
            except OSError:
                os.dup(0)

        self.endlessly(fill)

    def tmp(self):
        def fill():
            self.kept.append(os.open(f"/tmp/{len(self.kept) % 16}", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
            try:
                os.write(self.kept[-1], bytes(1 << 18))
            finally:
                os.close(self.kept[-1])

        self.endlessly(fill)

    def signals(self):
        self.endlessly(lambda: self.context.emit("Boom", "x" * 1000))

    def log(self):
        self.endlessly(lambda: os.write(2, b"boom\\n" * 800))

    def lies(self):
        self.endlessly(lambda: self.context._send(wire.Pong(7)))

    def denials(self):
        self.endlessly(lambda: self.context._send(wire.Want(1, "read", "system.hostname", wire.pack(None))))

    def cpu(self):
        self.timer.cancel()
        threading.Thread(target=self.endlessly, args=(int,), daemon=True).start()

    def sigterm(self):
        self.timer.cancel()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.deaf = True


class Calm:
    def __init__(self, context):
        pass

    def echo(self, text):
        return text
"""
_BOMBER = """
[sandbox]
processes = true
[limits]
memory = "32M"
cpu = "20%"
tasks = 8
files = 32
[services.bomber]
interface = "org.example.Bomber1"
access = "root"
methods.Throw = {in = "s"}
signals.Boom = "s"
"""
_NEIGHBOUR = """
[services.calm]
interface = "org.example.Calm1"
access = "root"
methods.Echo = {in = "s", out = "s"}
"""


def package(name: str) -> bytes:
    entry, more = ("Bomber", _BOMBER) if name == BOMBER else ("Calm", _NEIGHBOUR)
    manifest = builders.manifest_toml(name=name, entry=f"bombs:{entry}", more=more)
    return builders.signed_package(issued=int(time.time()) - 3_600, manifest=manifest, extra={"code/bombs.py": _CODE})


def write_all(directory: Path, neighbours: int) -> None:
    """The bomber, and so many neighbours, as files `NAME.exopkg`."""
    for name in (BOMBER, *(f"{NEIGHBOUR}-{number:02}" for number in range(neighbours))):
        (directory / f"{name}.exopkg").write_bytes(package(name))


def verdict(bomb: str) -> tuple[str, str]:
    """Code and limit of the fault that ends it; none where only an unload does."""
    if limit := OVER.get(bomb, SLOW.get(bomb, "")):
        return "limit-exceeded", limit
    return ("", "") if bomb in UNSTOPPABLE else ("unhealthy", "")


def figures(found: Mapping[str, Any]) -> str:
    """What the calls of the neighbours took, in words."""
    rows = [("quiet", found["quiet"]), *((row["bomb"], row) for row in found["bombs"])]
    return f"{found['neighbours']} neighbours, p50/p99 ms: " + ", ".join(
        f"{name} {row['p50']:.1f}/{row['p99']:.1f}" for name, row in rows
    )


def trust() -> bytes:
    """The file for trust.d that lets all of them in."""
    return anchor_file(builders.anchor_for(scope=(BOMBER, f"{NEIGHBOUR}-*"), level="trusted"))
