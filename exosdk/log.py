"""What a plugin says for people: one line a message on standard error, with the priority in front as syslog writes it.

Standard error is the log pipe of the sandbox. A full pipe (nobody reads while the daemon is away) loses lines and
counts them; it never blocks the plugin.
"""

import os
import select
from collections.abc import Callable
from typing import Any

_PIPE_BUF = 4096
"""Writes up to this size to a pipe that polls writable neither block nor interleave (pipe(7))."""

_ERROR, _WARNING, _INFO, _DEBUG = 3, 4, 6, 7

_AGAIN = 1.0
_REMEMBERED = 64


class Log:
    """`log.info("sampled %s", name)`; `%` only when there are arguments."""

    def __init__(self, fd: int = 2) -> None:
        self._fd = fd
        self._lost = 0

    def debug(self, message: str, *arguments: Any) -> None:
        self._write(_DEBUG, message, arguments)

    def info(self, message: str, *arguments: Any) -> None:
        self._write(_INFO, message, arguments)

    def warning(self, message: str, *arguments: Any) -> None:
        self._write(_WARNING, message, arguments)

    def error(self, message: str, *arguments: Any) -> None:
        self._write(_ERROR, message, arguments)

    def _write(self, priority: int, message: str, arguments: tuple[Any, ...]) -> None:
        text = message % arguments if arguments else message
        if self._lost:
            text = f"{text} (after {self._lost} lost lines)"
        line = f"<{priority}>{' '.join(text.split())}".encode("utf-8", "backslashreplace")[: _PIPE_BUF - 1] + b"\n"
        self._lost = 0 if self._sent(line) else self._lost + 1

    def _sent(self, line: bytes) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        try:
            return bool(poll.poll(0)) and os.write(self._fd, line) == len(line)
        except OSError:
            return False


class Seldom:
    """The same words once a second: of what another plugin can cause as often as it likes, and fill a log with."""

    def __init__(self, say: Callable[[str], None], *, monotonic: Callable[[], float]) -> None:
        self._say, self._monotonic = say, monotonic
        self._until: dict[str, float] = {}

    def __call__(self, text: str) -> None:
        now = self._monotonic()
        if now < self._until.get(text, now):
            return
        if len(self._until) >= _REMEMBERED:
            self._until.clear()
        self._until[text] = now + _AGAIN
        self._say(text)
