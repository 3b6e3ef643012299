"""What systemd is about to do with this process: our unit's job → whether it is stopped for good, or started again."""

import os
from dataclasses import replace
from typing import Any, Final

from exod.dbus.codec import CALL, Outgoing, Variant
from exod.dbus.wire import BusLost, CallFailed, Wire

_NAME: Final = "org.freedesktop.systemd1"
_UNIT_OF: Final = Outgoing(
    CALL, "/org/freedesktop/systemd1", f"{_NAME}.Manager", "GetUnitByPID", destination=_NAME, signature="u"
)
_GET: Final = Outgoing(
    CALL, interface="org.freedesktop.DBus.Properties", member="Get", destination=_NAME, signature="ss"
)
_DEADLINE: Final = 2.0
_NO_JOB: Final = 0


async def stops_for_good(wire: Wire) -> bool:
    """False when it is restarted, when nobody asked it for anything, and when systemd cannot be asked: who leaves
    instances running by mistake can still end them, who ended them cannot bring them back.
    """
    try:
        [unit] = await wire.call(replace(_UNIT_OF, body=[os.getpid()]), returns="o", deadline=_DEADLINE)
        number, job = await _read(wire, unit, "Unit", "Job")
        return bool(number != _NO_JOB and await _read(wire, job, "Job", "JobType") == "stop")
    except (CallFailed, BusLost, TimeoutError):
        return False


async def _read(wire: Wire, path: str, kind: str, name: str) -> Any:
    asked = replace(_GET, path=path, body=[f"{_NAME}.{kind}", name])
    [value] = await wire.call(asked, returns="v", deadline=_DEADLINE)
    assert isinstance(value, Variant)
    return value.value
