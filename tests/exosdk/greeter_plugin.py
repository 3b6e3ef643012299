"""A plugin for the tests of the channel and the runner: it does everything a plugin can do wrong, when told to."""

import threading
from typing import Any

from exosdk import Context, hookimpl

GATE = threading.Event()
"""`wait` returns when a test opens it."""
BUSY = threading.Event()


class Greeter:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.count = 0
        self.tone = "plain"
        self.calls: list[str] = []

    @hookimpl
    def start(self, context: Context) -> None:
        self.calls.append("start")
        context.every(0.02, self.beat)

    @hookimpl
    def stop(self) -> None:
        self.calls.append("stop")

    @hookimpl
    def configure(self, values: dict[str, Any]) -> None:
        if values["word"] == "bad":
            raise ValueError("no bad words")

    @hookimpl
    def health(self) -> str:
        return ",".join(self.calls)

    def beat(self) -> None:
        self.count += 1
        self.context.changed("Count")

    def greet(self, name: str) -> str:
        self.context.emit("Greeted", name)
        return f"{self.context.config['word']} {name}"

    def nothing(self) -> None:
        BUSY.set()
        GATE.wait(10)

    def pair(self, left: int, right: int) -> tuple[int, int]:
        return right, left

    def fail(self, how: str) -> Any:
        if how == "unsendable":
            return object()
        if how == "caller":
            raise RuntimeError(repr(self.context.caller))
        raise KeyError(how)
