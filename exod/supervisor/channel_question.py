"""One question to an instance: its message, its deadline on the loop's clock, which can stand still, and its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from exod.errors import Refusal, Refused
from exosdk import wire


@dataclass(slots=True, eq=False)
class Question:
    """Armed when made. `on_late` is called once, when the deadline has passed. The answer comes in `answer`."""

    id: int
    action: str
    data: bytes
    uid: int
    deadline: float
    on_late: Callable[["Question"], None]
    overdue: bool = False
    _left: float = 0.0
    _timer: asyncio.TimerHandle | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    answer: asyncio.Future[wire.Reply | wire.Fault] = field(init=False)

    def __post_init__(self) -> None:
        self.answer = self._loop.create_future()
        self._left = self.deadline
        self.arm()

    def arm(self) -> None:
        if self._timer is None and not self.overdue:
            self._timer = self._loop.call_later(self._left, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.overdue = True
        self.on_late(self)

    def disarm(self) -> None:
        """The deadline stands still; what is left of it counts from the next `arm`."""
        if self._timer is not None:
            self._left = max(0.0, self._timer.when() - self._loop.time())
            self._timer.cancel()
            self._timer = None

    def settle(self, answer: wire.Reply | wire.Fault) -> None:
        self.disarm()
        if not self.answer.done():
            self.answer.set_result(answer)

    def refuse(self, refusal: Refusal) -> None:
        self.disarm()
        if not self.answer.done():
            self.answer.set_exception(Refused(refusal))
