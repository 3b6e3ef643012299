"""What instances have to hear of their links and subscribers → said at once, or as soon as their channels take it.

Nothing is lost while one is suspended, or busy: it hears it afterwards. Of the same link, or the same subscriber, only
the last is kept, and what comes in quick succession is said once: nobody fills another's channel.
"""

from exod.brokers.router.world import Asker, World
from exod.errors import Refused
from exosdk import wire

_PAUSE = 0.1
Tiding = wire.Part | wire.Route | wire.Lay


class Tidings:
    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[int, tuple[Asker, dict[int | str, Tiding]]] = {}
        self._resting = False

    def tell(self, asker: Asker, tiding: Tiding) -> None:
        key = tiding.receiver if isinstance(tiding, wire.Route) else tiding.link
        self._kept.setdefault(asker.id, (asker, {}))[1][key] = tiding
        if not (self._resting and isinstance(tiding, wire.Route)):
            self.told(asker)
        if not self._resting and (self._kept or isinstance(tiding, wire.Route)):
            self._resting = True
            self._world.spawn(self._later(), name="tidings of links")

    def told(self, asker: Asker) -> bool:
        """Whether it has heard all there is for it: what is said next comes after it."""
        _, kept = self._kept.get(asker.id, (asker, {}))
        while kept:
            key = next(iter(kept))
            try:
                if not asker.line().tell(kept[key]):
                    return False
            except wire.MalformedError:
                pass  # no channel ever takes it
            except Refused:
                kept.clear()
            kept.pop(key, None)
        self._kept.pop(asker.id, None)
        return True

    def drop(self, instance: int) -> None:
        self._kept.pop(instance, None)

    async def _later(self) -> None:
        """As long as there is something to say."""
        try:
            await self._world.sleep(_PAUSE)
            while self._kept:
                for asker, _ in tuple(self._kept.values()):
                    self.told(asker)
                await self._world.sleep(_PAUSE)
        finally:
            self._resting = False
