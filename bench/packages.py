"""Signed packages to load: many names, one signer, the smallest plugin with a service. Made in memory, kept on disk."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from exoctl import building
from exoctl.private import PrivateIdentity, sign_package
from exoctl.trustfiles import anchor_file
from exod.errors import Refusal
from exod.trust.anchors import Anchor
from exod.trust.scope import Scope

_MANIFEST = """\
[package]
name = "{name}"
version = "1.0.0"
summary = "Answers what it is told"
license = "Apache-2.0"
type = "custom"
critical = true

[entry]
python = "echo:Echo"

[services.bench]
interface = "org.exoos.Bench1"
access = "any"
methods.Echo = {{in = "s", out = "s"}}
"""
_CODE = """\
from exosdk import hookimpl


class Echo:
    @hookimpl
    def start(self):
        pass

    def echo(self, text):
        return text
"""

_FLOOD = """\
methods.Flood = {{in = "sd", out = "tt"}}
signals.Boom = "s"

[limits]
cpu = "100%"
call-time = "1m"
"""
_FLOODING = """\
import time

from exosdk import wire


class Echo:
    def __init__(self, context):
        self.channel = context._send.__self__._socket
        self.frames = {
            "question": wire.encode(wire.Want(1, "read", "system.hostname", wire.pack(None))),
            "signal": wire.encode(wire.Emit("bench", "Boom", wire.pack(["boom"]))),
        }

    def echo(self, text):
        return text

    def flood(self, kind, seconds):
        frame, until, tried, taken = self.frames[kind], time.monotonic() + seconds, 0, 0
        while time.monotonic() < until:
            for tried in range(tried + 1, tried + 101):
                try:
                    self.channel.send(frame, 0x40)
                    taken += 1
                except BlockingIOError:
                    continue
        return tried, taken
"""

_TALK = """\
methods.Trip = {{in = "su"}}
methods.Trips = {{in = "u", out = "ad"}}
methods.Send = {{in = "su", out = "d"}}
methods.Got = {{out = "ud"}}

[limits]
cpu = "100%"
call-time = "1m"

[sandbox]
ipc = ["*"]
"""
_TALKING = """\
import time

from exosdk import hookimpl

PAYLOAD = b"x" * 64


class Echo:
    def __init__(self, context):
        self.context, self.took, self.count, self.last = context, [], 0, 0.0

    @hookimpl
    def on_message(self, message):
        if message.wants_answer:
            return message.data
        self.count += 1
        self.last = time.monotonic()

    def echo(self, text):
        return text

    def trip(self, peer, count):
        self.peer, self.left, self.took = peer, count, []
        self.ask()

    def ask(self):
        self.began = time.perf_counter()
        self.context.request(self.peer, PAYLOAD, self.answered)

    def answered(self, data, refused):
        self.took.append(time.perf_counter() - self.began)
        self.left -= 1
        if self.left and not refused:
            self.ask()

    def trips(self, first):
        return self.took[first : first + 4000]

    def send(self, peer, count):
        self.context.link(peer, full="block")
        began = time.monotonic()
        for _ in range(count):
            self.context.send(peer, PAYLOAD)
        return began

    def got(self):
        return self.count, self.last
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A package file, open for reading; `trust` is the anchor file that lets a daemon accept it."""

    name: str
    fd: int
    data: bytes
    anchor: Anchor


def make_samples(directory: Path, *, count: int) -> list[Sample]:
    """Their bytes are in the page cache when this returns: they were just written."""
    directory.mkdir()
    key = PrivateIdentity.generate()
    anchor = Anchor("bench", "trusted", (key.identity,), Scope(names=("bench-",), interfaces=("org.exoos.",)))
    samples = []
    for number in range(count):
        name = f"bench-{number:03}"
        samples.append(_sample(directory, name, key, anchor, manifest=_MANIFEST, code=_CODE))
    return samples


def make_flooder(directory: Path) -> Sample:
    """One that asks for what it is not granted, as fast as it can."""
    directory.mkdir()
    key = PrivateIdentity.generate()
    anchor = Anchor("bench", "trusted", (key.identity,), Scope(names=("bench-",), interfaces=("org.exoos.",)))
    return _sample(directory, "bench-flood", key, anchor, manifest=_MANIFEST + _FLOOD, code=_FLOODING)


def make_talkers(directory: Path) -> list[Sample]:
    """Two that may link with each other."""
    directory.mkdir()
    key = PrivateIdentity.generate()
    scope = Scope(names=("bench-",), interfaces=("org.exoos.",), ceiling={"ipc": ("*",)})
    anchor = Anchor("bench", "trusted", (key.identity,), scope)
    names = ("bench-talker", "bench-listener")
    return [_sample(directory, name, key, anchor, manifest=_MANIFEST + _TALK, code=_TALKING) for name in names]


def _sample(directory: Path, name: str, key: PrivateIdentity, anchor: Anchor, *, manifest: str, code: str) -> Sample:
    data = _signed(manifest.format(name=name), code, key)
    path = directory / f"{name}_1.0.0.exopkg"
    path.write_bytes(data)
    return Sample(name, os.open(path, os.O_RDONLY | os.O_CLOEXEC), data, anchor)


def _signed(manifest: str, code: str, key: PrivateIdentity) -> bytes:
    files = {
        "package.toml": (manifest.encode(), False),
        "README.md": (b"# A plugin that is measured\n", False),
        "LICENSE": (b"Apache-2.0\n", False),
        "code/echo.py": (code.encode(), False),
    }
    body = building.build(files)
    signed = body if isinstance(body, Refusal) else sign_package(body, key, issued=int(time.time()))
    if isinstance(signed, Refusal):
        raise RuntimeError(signed.sentence)
    return signed


def trust(anchor: Anchor, *, configuration: Path) -> None:
    """Writes the anchor where a daemon reads it."""
    path = configuration / "trust.d" / f"{anchor.name}.toml"
    path.write_bytes(anchor_file(anchor))
    path.chmod(0o600)
