"""A development exod as a child process: DIR → a running daemon on a private bus. Start, ask, kill, stop.

Speaks only through `exoctl --json`, as a plugin's author would; imports nothing of exod. Needs root.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self


class CommandFailed(Exception):
    """exoctl refused. `code` is its exit code; `error` the object it printed: code, sentence, hint, evidence."""

    def __init__(self, code: int, error: Mapping[str, Any]) -> None:
        super().__init__(f"exit {code}: {error.get('sentence', error)}")
        self.code = code
        self.error = error


class Daemon:
    """`exod --dev DIR` in the foreground of nobody. `environment` is what exoctl needs to find it."""

    def __init__(self, directory: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.environment = dict(os.environ) | dict(environment or {})
        self.process: subprocess.Popen[str] | None = None
        self.seconds_to_ready = 0.0

    def start(self, *, deadline: float = 30.0) -> Self:
        """Returns once the daemon printed the line to export, which it does when it is ready.

        Raises TimeoutError after `deadline` seconds, RuntimeError with its last words when it ends before.
        """
        began = time.monotonic()
        command = [_script("exod"), "--dev", str(self.directory)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
        )
        try:
            words = self._await_export(began + deadline)
        except (RuntimeError, TimeoutError):
            self.kill()
            raise
        self.seconds_to_ready = time.monotonic() - began
        for name, _, value in (word.partition("=") for word in words.removeprefix("export ").split()):
            self.environment[name] = value
        return self

    def _await_export(self, until: float) -> str:
        """Reads the pipe itself: a line that a buffered reader already holds wakes no selector."""
        assert self.process is not None
        assert self.process.stdout is not None
        pipe, said = self.process.stdout.fileno(), b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while selector.select(max(0.0, until - time.monotonic())):
                more = os.read(pipe, 65_536)
                said += more
                for line in said.decode(errors="replace").splitlines(keepends=True):
                    if line.startswith("export ") and line.endswith("\n"):
                        return line.strip()
                if not more:
                    raise RuntimeError(f"exod ended before it was ready: {_last(said)}")
        raise TimeoutError(f"exod was not ready in time: {_last(said)}")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def exoctl(self, *arguments: str, input: str | None = None) -> Any:
        """What `exoctl --json ARGUMENTS` printed: one value, or a list of them where it printed several lines.

        Raises CommandFailed when its exit code is not 0.
        """
        done = self.run([_script("exoctl"), "--json", *arguments], input=input)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        if done.returncode != 0:
            error = lines[-1] if lines else json.loads(done.stderr.strip().splitlines()[-1])
            raise CommandFailed(done.returncode, error.get("error", error))
        return lines[0] if len(lines) == 1 else lines

    def run(self, command: Sequence[str], *, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """`command` with this daemon's environment; output captured."""
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, input=input, timeout=60)

    def kill(self) -> None:
        """SIGKILL: instances live on under the keeper, the bus stays."""
        assert self.process is not None
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM, and wait: plugins are stopped in order, keeper and bus end. Returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        assert self.process is not None
        code = self.process.wait(timeout=60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


def _last(said: bytes) -> str:
    return "".join(said.decode(errors="replace").splitlines(keepends=True)[-20:])


def _script(name: str) -> str:
    """The console script beside this interpreter."""
    return str(Path(sys.executable).with_name(name))
