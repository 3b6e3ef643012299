"""What it costs to hold a hundred plugins to their limits, and to look on with `exoctl top`: percent of one core."""

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.packages import Sample
from bench.rows import Row, at_most
from bench.target import Target
from exod.brokers.resources.kernel import Kernel
from exod.brokers.resources.monitor import Monitor
from exod.brokers.resources.rules import Subject, Verdict
from exod.linux import procfs
from exod.package.limits import Limits

SECONDS, LOOKS = 20.0, 50
_TICK = os.sysconf("SC_CLK_TCK")
_ROWS, _COLUMNS = 60, 160


def watching(target: Target, samples: Sequence[Sample]) -> list[Row]:
    """What exod does once a second for all of them, done here; then somebody who looks once a second, on a terminal."""
    target.load_at_once([sample.fd for sample in samples])
    count, pid = len(samples), target.daemon.pid
    subjects = [
        Subject(number, sample.name, target.pid_of(sample.name), Limits()) for number, sample in enumerate(samples)
    ]
    used = asyncio.run(_looks(target, subjects))
    idle = _share(pid)
    with _top(target) as top:
        time.sleep(2.0)  # a start is no steady state
        daemon, command = _share(pid, top)
    return [
        Row(f"limits.cpu.{count}-plugins", used * 100, "%", aim=at_most(1.0)),
        Row(f"top.cpu.{count}-plugins", command * 100, "%", aim=at_most(1.0)),
        Row(f"top.cpu.{count}-plugins.exod", daemon * 100, "%", floor=idle[0] * 100),
    ]


async def _looks(target: Target, subjects: Sequence[Subject]) -> float:
    """Of a second of one core, the part that goes into a look at everybody."""
    now = 0.0
    mounted = next(Path(where) for _, where, kind in procfs.mounts() if kind == "cgroup2")
    groups = {subject.instance: mounted / procfs.cgroup(subject.pid)[1:] for subject in subjects}
    data = target.directory / "lib/data"
    monitor = Monitor(Kernel(data), group=groups.__getitem__, data=data, clock=lambda: now)
    await monitor.sweep(lambda: subjects, _unheard)
    began = time.process_time()
    for _ in range(LOOKS):
        now += 1.0
        await monitor.sweep(lambda: subjects, _unheard)
    return (time.process_time() - began) / LOOKS


def _unheard(_instance: int, _verdict: Verdict) -> None:
    """Nobody goes over anything."""


def _share(*pids: int) -> list[float]:
    began, used = time.monotonic(), [_cpu(pid) for pid in pids]
    time.sleep(SECONDS)
    passed = time.monotonic() - began
    return [(_cpu(pid) - before) / passed for pid, before in zip(pids, used, strict=True)]


def _cpu(pid: int) -> float:
    """Seconds of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


@contextmanager
def _top(target: Target) -> Iterator[int]:
    """The command on a terminal whose other end takes whatever comes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    command = [str(Path(sys.executable).with_name("exoctl")), "top"]
    environment = target.daemon.environment | {"TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as top:
        os.close(theirs)
        reader = threading.Thread(target=_drain, args=(ours,), daemon=True)
        reader.start()
        yield top.pid
        top.terminate()
    reader.join()
    os.close(ours)


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # EIO: nobody has the other end any more
        return
