"""For a plugin's own tests: the plugin in this process (`load`), or a real one behind its walls (`sandbox`, as root).

    from exosdk.testing import load

    def test_greets() -> None:
        with load(".") as plugin:
            plugin.start()
            assert plugin.call("Greet", "Ada") == "hello Ada"

Not installed in sandboxes. Drives `exod --dev` only through `exoctl --json`; imports nothing of exod.
"""

from exosdk.testing.clock import FakeClock
from exosdk.testing.inprocess import InProcess, UnusableError, load

__all__ = ["FakeClock", "InProcess", "UnusableError", "load"]
