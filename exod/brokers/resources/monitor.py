"""Once a second: who lives, what each uses, whom to warn, whom to end. Storage less often, in a thread.

Implements the supervisor's Resources. Blocks the loop for a millisecond at most; a process that cannot be looked at now
is looked at a second later.
"""

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from exod.brokers.resources import facts, rules, storage
from exod.brokers.resources.kernel import Kernel
from exod.brokers.resources.rules import Mark, Row, Subject, Usage, Verdict

INTERVAL: Final = 1.0
STORAGE_INTERVAL, STORAGE_LATEST, STORAGE_SHARE = 10.0, 60.0, 0.01
"""Seconds between two walks; more when walks take more than this share of the time, up to so many."""
SURE_INTERVAL: Final = 10.0
"""Seconds after which an instance's own memory is told apart anew from what it shares with the zygote."""
SLICE: Final = 10
"""Instances looked at in one turn of the loop: about half a millisecond."""

Subjects = Callable[[], Iterable[Subject]]
Tell = Callable[[int, Verdict], None]


@dataclass(slots=True)
class Watched:
    """What is remembered of an instance between two looks."""

    subject: Subject
    facts: facts.Instance
    held: frozenset[str]
    marks: deque[Mark] = field(default_factory=deque)
    warned: frozenset[str] = frozenset()
    usage: Usage = Usage()
    asleep: float = 0.0
    shared: int = 0
    sure_at: float = -SURE_INTERVAL
    seen: float = 0.0
    capped: bool = False

    def own(self, memory: int) -> None:
        """Of what it seems to use, so much is its own."""
        self.shared = max(0, self.usage.memory + self.shared - memory)
        self.usage = replace(self.usage, memory=memory)
        self.sure_at = self.seen


class Monitor:
    """`group` is where an instance's cgroup lies, `data` where plugins' data directories do; `clock` is monotonic."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        group: Callable[[int], Path],
        data: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernel, self._group, self._data, self._clock = kernel, group, data, clock
        self._watched: dict[int, Watched] = {}
        self._stored: dict[int, int] = {}

    async def watch(self, subjects: Subjects, tell: Tell) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._look(subjects, tell))
            both.create_task(self._walk(subjects))

    async def sweep(self, subjects: Subjects, tell: Tell) -> None:
        """One look at everybody."""
        living = {subject.instance: subject for subject in subjects()}
        self._watched = {instance: self._watched[instance] for instance in living if instance in self._watched}
        unsure = []
        for number, subject in enumerate(living.values(), start=1):
            watched = self._see(subject)
            if watched is not None:
                unsure += [watched] if self._take(watched) else []
            if number % SLICE == 0:
                await asyncio.sleep(0)
        if unsure:
            await self._make_sure(unsure)
        for watched in tuple(self._watched.values()):
            for verdict in self._judge(watched):
                tell(watched.subject.instance, verdict)

    async def walk(self, subjects: Subjects) -> None:
        """One look at what lies on the disk. It counts for who lives now: whoever comes later may find it removed."""
        living = [(one, self._see(one)) for one in subjects()]
        self._stored = await asyncio.to_thread(lambda: {one.instance: self._taken(one, seen) for one, seen in living})

    def rows(self, subjects: Iterable[Subject]) -> Iterator[Row]:
        """A row for each."""
        for one in subjects:
            used = self.usage(one)
            names = (one.instance, one.plugin, one.state, one.restarts)
            yield *names, used.memory, used.cpu_percent, used.tasks, used.files, used.io, used.storage, used.ran

    def usage(self, subject: Subject) -> Usage:
        """As of the last look, or of a first one now."""
        known = self._watched.get(subject.instance)
        if known is not None:
            return known.usage
        watched = self._see(subject)
        if watched is not None and self._take(watched):
            watched.own(_private_memory(watched))
        return watched.usage if watched is not None else Usage()

    def pressure(self, instance: int) -> Mapping[str, float]:
        watched = self._watched.get(instance)
        return watched.facts.pressure() if watched is not None else {}

    async def _look(self, subjects: Subjects, tell: Tell) -> None:
        while True:
            await self.sweep(subjects, tell)
            await asyncio.sleep(INTERVAL)

    async def _walk(self, subjects: Subjects) -> None:
        while True:
            began = self._clock()
            await self.walk(subjects)
            took = self._clock() - began
            await asyncio.sleep(min(STORAGE_LATEST, max(STORAGE_INTERVAL, took / STORAGE_SHARE)))

    def _taken(self, subject: Subject, watched: Watched | None) -> int:
        """By what lies in its directory, and by what lies nowhere any more and is still held by its processes."""
        home, enough = str(self._data / subject.plugin), max(1, subject.limits.storage)
        taken = storage.size(home, enough=enough)
        with contextlib.suppress(OSError):  # it has no directory, or is ending
            if watched is not None and taken < enough:
                taken += watched.facts.nameless(device=os.stat(home).st_dev, enough=enough - taken)
        return taken

    def _see(self, subject: Subject) -> Watched | None:
        """What is known of it; None of one that is gone already."""
        watched = self._watched.get(subject.instance)
        if watched is not None:
            watched.subject = subject
            return watched
        held = self._kernel.held
        try:
            looked = facts.Instance(self._group(subject.instance), subject.pid, held=held)
        except (facts.Gone, OSError):
            return None
        watched = self._watched[subject.instance] = Watched(subject, looked, held)
        return watched

    def _take(self, watched: Watched) -> bool:
        """Notes what it uses. Whether the memory it seems to use may be others' and has to be looked at again."""
        subject, now = watched.subject, self._clock()
        try:
            reading = watched.facts.read(memory_allowed=subject.limits.memory)
            self._cap(watched)
        except (facts.Gone, OSError, ValueError):
            del self._watched[subject.instance]  # it is ending; its end is told by others
            return False
        if subject.state == "suspended" and watched.seen:
            watched.asleep += now - watched.seen
        watched.seen = now
        watched.marks.append(Mark(now, reading.cpu_time, reading.transferred))
        while len(watched.marks) > 2 and now - watched.marks[1].at >= rules.LATE:
            watched.marks.popleft()
        lately = rules.average(watched.marks, seconds=INTERVAL / 2)
        watched.usage = Usage(
            memory=max(0, reading.memory - watched.shared),
            cpu_percent=lately.cpu,
            cpu_time=reading.cpu_time,
            files=reading.files,
            tasks=reading.tasks,
            io=lately.io,
            transferred=reading.transferred,
            storage=self._stored.get(subject.instance, 0),
            ran=max(0.0, reading.age - watched.asleep),
            refused=reading.refused,
        )
        near = reading.memory >= rules.WARN * subject.limits.memory
        nothing = not watched.usage.memory  # it gave back more than was known to be its own
        return not reading.sure and (near or nothing or now - watched.sure_at >= SURE_INTERVAL)

    def _cap(self, watched: Watched) -> None:
        """Its start is over: from here on it has the share of a core that it asked for."""
        if "cpu" in watched.held and not watched.capped and not watched.subject.state == "loading":
            watched.facts.hold_cpu(rules.cpu_max(watched.subject.limits.cpu))
            watched.capped = True

    async def _make_sure(self, unsure: list[Watched]) -> None:
        """In a thread: the process may hold the lock of its memory map for a while."""
        found = await asyncio.to_thread(lambda: [_private_memory(watched) for watched in unsure])
        for watched, memory in zip(unsure, found, strict=True):
            watched.own(memory)

    def _judge(self, watched: Watched) -> list[Verdict]:
        said, watched.warned = rules.judge(
            watched.subject, watched.usage, watched.marks, held=watched.held, warned=watched.warned
        )
        return said


def _private_memory(watched: Watched) -> int:
    try:
        return watched.facts.private_memory()
    except OSError:
        return 0  # it is ending
