"""For a plugin's own tests: the plugin in this process (`InProcess`), or behind its walls (`sandbox`, as root).

    from exosdk.testing import InProcess

    def test_greets() -> None:
        with InProcess(".") as plugin:
            plugin.start()
            assert plugin.call("Greet", "Ada") == "hello Ada"

Not installed in sandboxes. Drives `exod --dev` only through `exoctl --json`; imports nothing of exod.
"""

from exosdk.testing.clock import FakeClock
from exosdk.testing.inprocess import InProcess, UnusableError

__all__ = ["FakeClock", "InProcess", "UnusableError"]
