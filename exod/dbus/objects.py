"""What the dispatcher serves: a Call as functions see it, and the Facet that every object of the daemon shows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from exod.dbus import guard
from exod.dbus.authority import Authority
from exod.dbus.codec import INTERACTIVE, Header, Variant
from exod.dbus.failures import Standard
from exod.dbus.introspect import Interface, Method
from exod.dbus.wire import Wire
from exod.supervisor.ports import Caller


class Call:
    """One method call. `caller` is known once authority was asked for; `take` hands its one descriptor on."""

    __slots__ = ("_fds", "authority", "caller", "header", "wire")

    def __init__(self, wire: Wire, authority: Authority, header: Header) -> None:
        self.wire = wire
        self.authority = authority
        self.header = header
        self.caller: Caller | None = None
        self._fds = header.fds

    @property
    def sender(self) -> str:
        return self.header.sender

    @property
    def interactive(self) -> bool:
        return bool(self.header.flags & INTERACTIVE)

    @property
    def by(self) -> Caller:
        """Whoever authority named; only methods behind an access rule may look."""
        assert self.caller is not None
        return self.caller

    def take(self, index: int) -> int:
        """The caller of take owns the descriptor and closes it."""
        if index != 0 or not self._fds:
            raise Standard("InvalidArgs", "cannot take the arguments: no such descriptor")
        return self._fds.pop(0)

    def left(self) -> list[int]:
        taken, self._fds = self._fds, []
        return taken


class Checked:
    """A body that already passed the guard for its declared signature."""

    __slots__ = ("body",)

    def __init__(self, body: list[Any]) -> None:
        self.body = body


class Facet(Protocol):
    """What an object shows: one interface, who may use it, and the functions behind it.

    `reads` and `writes` are access rules of the properties. Results may be awaitable. `snapshot` is what everybody may
    see without asking: the values in GetManagedObjects and InterfacesAdded.
    """

    interface: Interface
    reads: str
    writes: str

    def details(self, member: str) -> Mapping[str, str]: ...
    def invoke(self, call: Call, method: Method, arguments: Sequence[Any]) -> Any: ...
    def get(self, call: Call, name: str) -> Any: ...
    def get_all(self, call: Call) -> Any: ...
    def set(self, call: Call, name: str, value: Any) -> Any: ...
    def snapshot(self) -> Mapping[str, Any]: ...


Objects = Mapping[str, Facet]
Run = Callable[[Call], Any]
"""Decodes the body of a call and does what it asks; the result may be awaitable."""


def arguments(header: Header) -> list[Any]:
    """The decoded body, as plain values."""
    return guard.decode(header.body(), size=header.size - header.body_at)


def typed(interface: Interface, values: Mapping[str, Any]) -> dict[str, Variant]:
    """Property values as the variants of their declared types; a plugin's have passed the guard before."""
    return {
        name: Variant(
            interface.properties[name].type, guard.encode(interface.properties[name].type, (value,), own=True)[0]
        )
        for name, value in values.items()
    }
