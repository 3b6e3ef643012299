"""The whole face of the daemon on one bus, put together: address and supervisor → objects that answer."""

from typing import Final

from exod.dbus.caps import Caps
from exod.dbus.dispatch import Dispatcher
from exod.dbus.face import BusFace
from exod.dbus.manager import Examine, Manager
from exod.dbus.reconnect import Link
from exod.dbus.requesting import ReadPackage, Requests
from exod.dbus.servicemanager import stops_for_good
from exod.dbus.wire import Wire
from exod.names import BUS_NAME
from exod.supervisor.supervisor import Supervisor

_CAPS: Final = Caps()


class Bus:
    """`connect`, then, when the daemon is ready to be found, `own_name`; `close` at the end. None blocks the loop."""

    def __init__(
        self,
        address: str,
        *,
        supervisor: Supervisor,
        face: BusFace,
        read_package: ReadPackage,
        doctor: Examine,
        caps: Caps = _CAPS,
        name: str = BUS_NAME,
    ) -> None:
        self._supervisor = supervisor
        self._face = face
        self._dispatcher = Dispatcher(caps=caps, audit=supervisor.audited)
        self._requests = Requests(supervisor, face, read_package=read_package, caps=caps)
        self._manager = Manager(self._requests, doctor=doctor)
        self._link = Link(address, name, self._dispatcher.receive, up=self._dispatcher.attach, down=self._down)

    @property
    def wire(self) -> Wire | None:
        """The connection in use, with its counters; None while the bus is lost."""
        return self._dispatcher.wire

    async def connect(self) -> None:
        """Raises OSError (BusLost among them) or TimeoutError."""
        await self._link.connect()
        self._face.attach(self._dispatcher, self._requests, self._manager)

    async def own_name(self) -> None:
        """Whoever sees the name finds every object in place. Raises NameTaken, CallFailed, BusLost or TimeoutError."""
        await self._link.own_name()

    async def stops_for_good(self) -> bool:
        """Whether systemd ends this daemon without starting it again."""
        return self.wire is not None and await stops_for_good(self.wire)

    async def close(self) -> None:
        """May be called twice, and before connect."""
        self._face.detach()
        await self._link.close()
        await self._dispatcher.close()

    def _down(self) -> None:
        self._dispatcher.detach()
        self._requests.forget_callers()
        self._face.forget_callers()
