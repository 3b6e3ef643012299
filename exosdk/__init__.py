"""What a plugin may use: a class, hooks, and the context it is given. No asyncio; the sandbox has no socketpair for it.

    from exosdk import Context, hookimpl

    class Hello:
        def __init__(self, context: Context) -> None: ...
        @hookimpl
        def start(self) -> None: ...

The entry's class is made with the context (or with nothing, if it takes nothing). Declared services are its methods:
D-Bus `Greet` is `greet`. It imports nothing of exod, and reads no file.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exosdk.context import Context
    from exosdk.hooks import hookimpl
    from exosdk.timers import Timer

__all__ = ["Context", "Timer", "hookimpl"]
_HOMES = {"Context": "exosdk.context", "Timer": "exosdk.timers", "hookimpl": "exosdk.hooks"}


def __getattr__(name: str) -> Any:
    """On first use: the daemon takes `exosdk.wire` from here, and must not pay for a plugin's side of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
