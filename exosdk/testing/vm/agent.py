"""Runs inside the guest: frames from its virtio-serial port → processes; their output and exit codes → frames.

Copied into the image as it stands and imported by the other end, which speaks the same frames: standard library only,
nothing of exosdk. A frame is kind (1 byte), number of the request (4), length (4), payload:
    host → guest   h greet: time (8, ns) and entropy   r run: JSON, NUL, standard input   k kill: nothing
    guest → host   o output   e errors   x ended: JSON with `code`, or `failed` where it could not start
A greeting is answered outside the frames by its own text in brackets: the host throws away everything before it, since
a port may still hold what the guest sent before it was frozen or cut off.
"""

import contextlib
import fcntl
import glob
import json
import os
import pwd
import signal
import struct
import subprocess
import threading
import time
from typing import IO, Any

NAME = "vm.agent"
HEAD = struct.Struct("!cII")
CHUNK = 32_768
RESEED = 0x5207
"""RNDRESEEDCRNG of linux/random.h: what was written to the pool counts from now on."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def frame(kind: bytes, number: int, payload: bytes = b"") -> bytes:
    return HEAD.pack(kind, number, len(payload)) + payload


def greeting(payload: bytes) -> bytes:
    """What answers a greeting."""
    return b"\n<vm-agent " + payload[8:].hex().encode() + b">\n"


class Agent:
    """Serves one port. One thread a request and two for its output; writes are whole frames."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writing = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def serve(self, *, idle: float = 0.02) -> None:
        """Returns never on a port; on anything else (a socket, in tests) when the other side has closed it."""
        while True:
            head = self._exactly(HEAD.size, idle)
            if head is None:
                return
            kind, number, length = HEAD.unpack(head)
            payload = self._exactly(length, idle)
            if payload is None:
                return
            self._take(kind, number, payload)

    def _exactly(self, size: int, idle: float) -> "bytes | None":
        held = bytearray()
        while len(held) < size:
            more = os.read(self._port, min(65_536, size - len(held)))
            held += more
            if not more:
                if idle == 0:
                    return None
                time.sleep(idle)  # no host at the other end: the port reads as empty and cannot be waited for
        return bytes(held)

    def _take(self, kind: bytes, number: int, payload: bytes) -> None:
        if kind == b"h":
            self._greet(payload)
        elif kind == b"r":
            threading.Thread(target=self._run, args=(number, payload), daemon=True).start()
        elif kind == b"k" and number in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running[number].pid, signal.SIGKILL)

    def _greet(self, payload: bytes) -> None:
        """A restored guest believes it is the hour of its freezing, and draws the numbers its siblings draw."""
        wall = int.from_bytes(payload[:8], "big")
        if wall:
            time.clock_settime_ns(time.CLOCK_REALTIME, wall)
            with open("/dev/urandom", "wb") as pool:
                pool.write(payload[8:])
                pool.flush()
                fcntl.ioctl(pool, RESEED)  # or it is not asked for a minute
        self._write(greeting(payload))

    def _run(self, number: int, payload: bytes) -> None:
        head, _, given = payload.partition(b"\0")
        try:
            process = start(json.loads(head))
        except (OSError, KeyError, subprocess.SubprocessError) as error:
            self._write(frame(b"x", number, json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()))
            return
        self._running[number] = process
        pumps = [
            threading.Thread(target=self._pump, args=(kind, number, pipe), daemon=True)
            for kind, pipe in ((b"o", process.stdout), (b"e", process.stderr))
            if pipe is not None
        ]
        for pump in pumps:
            pump.start()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(given)
        code = process.wait()
        for pump in pumps:
            pump.join(5.0)  # a daemon it left behind may hold the pipe for ever
        del self._running[number]
        self._write(frame(b"x", number, json.dumps({"code": code}).encode()))

    def _pump(self, kind: bytes, number: int, pipe: "IO[bytes]") -> None:
        with pipe:
            while more := os.read(pipe.fileno(), CHUNK):
                self._write(frame(kind, number, more))

    def _write(self, data: bytes) -> None:
        with self._writing:
            view = memoryview(data)
            while view:
                view = view[os.write(self._port, view) :]


def start(request: "dict[str, Any]") -> "subprocess.Popen[bytes]":
    """`argv`, and perhaps `user` (with its groups and home), `env`, `cwd`."""
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root"}
    identity: dict[str, Any] = {}
    if request.get("user"):
        person = pwd.getpwnam(str(request["user"]))
        groups = os.getgrouplist(person.pw_name, person.pw_gid)
        identity = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": groups}
        environment |= {"HOME": person.pw_dir, "USER": person.pw_name, "LOGNAME": person.pw_name}
    environment |= request.get("env") or {}
    return subprocess.Popen(
        request["argv"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=request.get("cwd") or "/",
        env=environment,
        **identity,
    )


def port() -> str:
    """The device of the port that carries our name; udev makes it when it likes."""
    while True:
        for name in glob.glob("/sys/class/virtio-ports/*/name"):
            with open(name) as file:
                device = "/dev/" + name.split("/")[-2]
                if file.read().strip() == NAME and os.path.exists(device):
                    return device
        time.sleep(0.05)


if __name__ == "__main__":
    Agent(os.open(port(), os.O_RDWR)).serve()
