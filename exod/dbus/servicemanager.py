"""What systemd is about to do with this process: our unit's job → whether it is stopped for good, or started again."""

import os
from typing import Any, Final

from exod.dbus.codec import Variant
from exod.dbus.wire import BusLost, CallFailed, Wire

_NAME: Final = "org.freedesktop.systemd1"
_MANAGER: Final = "/org/freedesktop/systemd1"
_DEADLINE: Final = 2.0
_NO_JOB: Final = 0


async def stops_for_good(wire: Wire) -> bool:
    """False when it is restarted, when nobody asked it for anything, and when systemd cannot be asked: who leaves
    instances running by mistake can still end them, who ended them cannot bring them back.
    """
    try:
        [unit] = await wire.call(
            _NAME, _MANAGER, f"{_NAME}.Manager", "GetUnitByPID", "u", [os.getpid()], returns="o", deadline=_DEADLINE
        )
        number, job = await _read(wire, unit, "Unit", "Job")
        return bool(number != _NO_JOB and await _read(wire, job, "Job", "JobType") == "stop")
    except (CallFailed, BusLost, TimeoutError):
        return False


async def _read(wire: Wire, path: str, kind: str, name: str) -> Any:
    properties = "org.freedesktop.DBus.Properties"
    [value] = await wire.call(
        _NAME, path, properties, "Get", "ss", [f"{_NAME}.{kind}", name], returns="v", deadline=_DEADLINE
    )
    assert isinstance(value, Variant)
    return value.value
