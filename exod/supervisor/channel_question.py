"""One question to an instance: its message, its deadline on the loop's clock, which can stand still, and its answer."""

import asyncio
from collections.abc import Callable

from exod.errors import Refusal, Refused
from exosdk import wire


class Question:
    """Armed when made. `on_late` is called once, when the deadline has passed."""

    def __init__(
        self,
        number: int,
        action: str,
        data: bytes,
        *,
        uid: int,
        deadline: float,
        on_late: Callable[["Question"], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.id = number
        self.action = action
        self.data = data
        self.uid = uid
        self.deadline = deadline
        self.answer: asyncio.Future[wire.Reply | wire.Fault] = self._loop.create_future()
        self._left = deadline
        self._on_late = on_late
        self._timer: asyncio.TimerHandle | None = None
        self.overdue = False
        self.arm()

    def arm(self) -> None:
        if self._timer is None and not self.overdue:
            self._timer = self._loop.call_later(self._left, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.overdue = True
        self._on_late(self)

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
