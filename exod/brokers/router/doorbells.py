"""One house for each instance that receives, and for each of its senders a bell in it that nobody else holds.

An eventfd that both ends held could be filled or emptied by one so that the other blocks. Here the sender has the
eventfd and the receiver an epoll instance in which it is; exod makes both and keeps the second.
"""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager


class Doorbells:
    def __init__(self) -> None:
        self._houses: dict[int, select.epoll] = {}

    def house(self, instance: int) -> select.epoll | None:
        return self._houses.get(instance)

    def build(self, instance: int) -> select.epoll:
        made = self._houses[instance] = select.epoll()
        return made

    @contextmanager
    def bell(self, house: select.epoll) -> Iterator[int]:
        """An eventfd in `house`, ours until the end of the block; there it stays as long as its sender holds it.

        Edge-triggered, so that it is never read: each write is a ring.
        """
        bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            house.register(bell, select.EPOLLIN | select.EPOLLET)
            yield bell
        finally:
            os.close(bell)

    def drop(self, instance: int) -> None:
        if (house := self._houses.pop(instance, None)) is not None:
            house.close()

    def close(self) -> None:
        for instance in tuple(self._houses):
            self.drop(instance)
