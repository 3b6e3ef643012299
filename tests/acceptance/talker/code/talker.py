"""Runs one line of Python at a time beside its context; what came is in `heard`, oldest first."""

import os
from functools import partial
from typing import Any

from exosdk import Context, hookimpl, links


class Talker:
    kinds = ("link", "laid", "broken", "held", "leave", "subscribe", "routes", "members")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.heard: list[Any] = []
        self.told: list[tuple[Any, str]] = []
        self.answer: Any = None
        self.ticks: dict[str, int] = {}
        self.half: dict[str, int] = {}
        self.wrong = self.missed = 0

    @hookimpl
    def on_message(self, message: Any) -> Any:
        self.heard.append((message.sender, message.type, message.priority, bytes(message.data)))
        if self.answer is not None:
            return self.answer(message)
        return bytes(message.data) if message.wants_answer else None

    @hookimpl
    def link_lost(self, peer: str, unread: int) -> None:
        self.heard.append(("lost", peer, unread))

    def then(self, value: Any, refused: str) -> None:
        self.told.append((bytes(value) if isinstance(value, memoryview) else value, refused))

    def run(self, line: str) -> str:
        names = {"self": self, "context": self.context, "os": os}
        return repr(eval(line, names))

    def await_answer(self, to: str) -> None:
        """In a coroutine, on a loop of asyncio's."""
        from exosdk import aio

        async def ask(loop: aio.Loop) -> None:
            self.told.append((await loop.request(to, b"asked"), await loop.call(to, "Add", 20, 22)))

        loop = aio.Loop(self.context)
        loop.spawn(ask(loop))

    def turn_hostile(self, value: int = -1) -> None:
        """From the next link on it keeps what it is handed; and writes `value` all over it while it is not sealed."""
        make = links.Producer

        def keep(fd: int, **how: int) -> Any:
            made, self.kept = make(fd, **how), os.dup(fd)
            if value >= 0:
                os.pwrite(fd, bytes([value]) * (4096 + how["slots"] * 64), 0)
            return made

        links.Producer = keep

    def pester(self, to: str) -> None:
        """Has 32 requests open at any moment, whatever becomes of `to`; `tally` says what became of each."""
        self.pestered = to
        self.open: set[int] = set()
        self.tally = {"asked": 0, "answered": 0, "lost": 0, "refused": 0, "wrong": 0}
        self.context.every(0.01, self.ask_more)

    def ask_more(self) -> None:
        while len(self.open) < 32:
            number = self.tally["asked"] + 1
            then = partial(self.became, number)
            try:
                self.context.request(self.pestered, b"%d" % number, then, seconds=600)
            except links.LinkError:
                return
            self.tally["asked"] = number
            self.open.add(number)

    def became(self, number: int, value: Any, refused: str) -> None:
        """Once each, and the answer to this one."""
        if number not in self.open or (not refused and bytes(value) != b"%d" % number):
            self.tally["wrong"] += 1
        self.open.discard(number)
        self.tally["answered" if not refused else "lost" if refused.startswith("instance-lost") else "refused"] += 1
        if not refused:
            self.ask_more()

    def join(self, rounds: int) -> None:
        """A mesh: when somebody says go, everybody publishes 1, 2, 3 … `rounds`, twenty a second."""
        self.rounds = rounds
        self.context.subscribe("*/go", lambda _: self.go())
        self.context.subscribe("*/tick", self.count)

    def go(self) -> None:
        left = iter(range(1, self.rounds + 1))
        self.timer = self.context.every(0.05, lambda: self.publish(next(left, 0)))

    def publish(self, number: int) -> None:
        if number:
            self.context.publish("tick", b"%d" % number)
        else:
            self.timer.cancel()

    def count(self, message: Any) -> None:
        """Each sender's numbers grow; what is left out, its link has dropped. `half`: how far all were when the first
        was half through.
        """
        now, before = int(message.data), self.ticks.get(message.sender, 0)
        self.wrong += now <= before
        self.missed += max(0, now - before - 1)
        self.ticks[message.sender] = now
        if 2 * now >= self.rounds and not self.half:
            self.half = dict(self.ticks)

    def add(self, one: int, other: int) -> int:
        return one + other
