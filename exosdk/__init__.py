"""What a plugin may use: a class, hooks, and the context it is given. No asyncio; the sandbox has no socketpair for it.

    from exosdk import Context, hookimpl

    class Hello:
        def __init__(self, context: Context) -> None: ...
        @hookimpl
        def start(self) -> None: ...

The entry's class is made with the context (or with nothing, if it takes nothing). Declared services are its methods:
D-Bus `Greet` is `greet`. It imports nothing of exod, and reads no file.
"""

from exosdk.context import Context
from exosdk.hooks import hookimpl
from exosdk.timers import Timer

__all__ = ["Context", "Timer", "hookimpl"]
