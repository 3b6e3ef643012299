"""exod in a virtual machine, as its administrator handles it: exoctl, busctl, and nothing from inside."""

import json
import time
from collections.abc import Callable
from typing import Any

from exosdk.testing.vm import CommandFailed, Machine, Result

SHIPPED = "/usr/lib/exod/plugins"
NAME = "org.exoos.Exod1"
TOP = "/org/exoos/Exod1"
PATHS = ("/usr/lib/exod/lib", "/usr/lib/exod/vendor", "/usr/lib/python3/dist-packages")
"""Where the installed commands find their packages."""


class Exod:
    """Of one machine. What is refused is CommandFailed, as everywhere."""

    def __init__(self, vm: Machine) -> None:
        self.vm = vm

    def ctl(self, *words: str, user: str | None = None) -> Any:
        """What `exoctl --json WORDS` printed: one value, or a list where it printed several."""
        lines = self.vm.run(["exoctl", "--json", *words], user=user).out.splitlines()
        said = [json.loads(line) for line in lines]
        return said[0] if len(said) == 1 else said

    def load(self, *names: str) -> None:
        """First-party plugins, from where the package put them."""
        for name in names:
            self.ctl("plugin", "load", f"{SHIPPED}/{name}_1.0.0.exopkg")

    def remove(self, *names: str) -> None:
        for name in names:
            self.ctl("plugin", "remove", "--purge", name)

    def busctl(self, *words: str, user: str | None = None, check: bool = True) -> Result:
        return self.vm.run(["busctl", "--json=short", *words], user=user, check=check)

    def property(self, plugin: str, name: str) -> Any:
        """Of the plugin's object; None while there is none."""
        asked = ("get-property", NAME, f"{TOP}/plugin/{plugin.replace('-', '_')}", f"{NAME}.Plugin", name)
        done = self.busctl(*asked, check=False)
        return json.loads(done.out)["data"] if done.code == 0 else None

    def state(self, plugin: str) -> str | None:
        return self.property(plugin, "StateName")

    def pid(self, plugin: str) -> int:
        return int(self.property(plugin, "ProcessId") or 0)

    def await_state(self, plugin: str, state: str, *, deadline: float = 240.0) -> None:
        until(lambda: self.state(plugin) == state, f"{plugin} in {state}", deadline=deadline)

    def call(self, plugin: str, method: str, *words: str) -> Any:
        return self.ctl("plugin", "call", plugin, method, "--", *words)

    def stop(self, plugin: str, *, user: str, interactive: bool = True) -> Result:
        """Asked by busctl as somebody."""
        asking = [] if interactive else ["--allow-interactive-authorization=no"]
        where = ("call", NAME, f"{TOP}/plugin/{plugin}", f"{NAME}.Plugin", "Stop")
        return self.busctl(*asking, *where, user=user, check=False)

    def main_pid(self, unit: str = "exod.service") -> int:
        return int(self.vm.run(["systemctl", "show", "--property=MainPID", "--value", unit]).out)


def until(happened: Callable[[], bool], what: str, *, deadline: float = 240.0) -> None:
    """Asks again and again: each question takes a process in the guest, which is pause enough."""
    end = time.monotonic() + deadline
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")


def refused(error: CommandFailed) -> dict[str, Any]:
    """The error that `exoctl --json` printed."""
    said = json.loads((error.result.out or error.result.err).strip().splitlines()[-1])
    return dict(said.get("error", said))
