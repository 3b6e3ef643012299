"""All links there are, found by their number and by either end: a question costs by the asker's links, not by all."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from exod.brokers.router.rules import Shape
from exod.brokers.router.world import Asker


@dataclass(slots=True)
class Link:
    """calls: the receiver's methods that the sender may call. rings: it brought the doorbell of this pair.

    laid: instances that were handed their end, and hear when it is no more.
    """

    id: int
    sender: Asker
    receiver: Asker
    shape: Shape
    calls: tuple[str, ...]
    joined: bool = False
    rings: bool = False
    laid: set[int] = field(default_factory=set)

    @property
    def ends(self) -> tuple[Asker, Asker]:
        return self.sender, self.receiver

    def end(self, instance: int) -> Asker | None:
        return next((one for one in self.ends if one.id == instance), None)


class Links:
    def __init__(self) -> None:
        self._all: dict[int, Link] = {}
        self._of: dict[int, dict[int, Link]] = {}

    def __iter__(self) -> Iterator[Link]:
        return iter(self._all.values())

    def __contains__(self, number: int) -> bool:
        return number in self._all

    def get(self, number: int) -> Link | None:
        return self._all.get(number)

    def of(self, instance: int) -> list[Link]:
        return list(self._of.get(instance, {}).values())

    def add(self, link: Link) -> None:
        self._all[link.id] = link
        for end in link.ends:
            self._of.setdefault(end.id, {})[link.id] = link

    def drop(self, link: Link) -> bool:
        """Whether it was there."""
        if self._all.pop(link.id, None) is None:
            return False
        for end in link.ends:
            of_end = self._of[end.id]
            del of_end[link.id]
            if not of_end:
                del self._of[end.id]
        return True
