"""What every peer runs: the smallest pluggy plugin, started, idle, and ending when its input ends."""

import os

import pluggy

spec = pluggy.HookspecMarker("peer")
impl = pluggy.HookimplMarker("peer")


class Specification:
    @spec
    def start(self) -> None: ...


class Plugin:
    @impl
    def start(self) -> None:
        """Nothing: the peers are measured at their cheapest."""


def start() -> None:
    """Registers and starts the plugin, as every process that hosts plugins does first."""
    manager = pluggy.PluginManager("peer")
    manager.add_hookspecs(Specification)
    manager.register(Plugin())
    manager.hook.start()


if __name__ == "__main__":
    start()
    os.write(1, b"R")
    os.read(0, 1)
