"""The D-Bus face: supervisor → objects, methods, signals on one bus, and calls → requests of the supervisor.

Refuses whatever is too large, mistyped, unauthorised or too often, before it is decoded; and never lets a value of a
plugin's onto the wire unchecked. May use the supervisor's API and ports; dbus-next here is a codec only.
"""

from exod.dbus.bus import Bus
from exod.dbus.caps import Caps
from exod.dbus.face import BusFace
from exod.dbus.reconnect import NameTaken
from exod.dbus.wire import CallFailed

__all__ = ["Bus", "BusFace", "CallFailed", "Caps", "NameTaken"]
