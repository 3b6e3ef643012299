"""One end of a socketpair whose other end is QEMU's monitor → commands, answers and events."""

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from typing import Any

from exosdk.testing.vm.unusable import Unusable


class Monitor:
    """Speaks QMP. Every wait has a deadline in seconds; QEMU's end is Unusable at once."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._held = b""
        self._events: list[Mapping[str, Any]] = []

    def greet(self, *, deadline: float = 60.0) -> None:
        self._next(lambda said: "QMP" in said, time.monotonic() + deadline)
        self.ask("qmp_capabilities")

    def ask(self, command: str, *, deadline: float = 60.0, **arguments: Any) -> Any:
        """What QEMU returns. Raises Unusable with its reason."""
        request = {"execute": command, "arguments": {name.replace("_", "-"): it for name, it in arguments.items()}}
        self._end.sendall(json.dumps(request).encode())
        said = self._next(lambda said: "return" in said or "error" in said, time.monotonic() + deadline)
        if "error" in said:
            raise Unusable(f"cannot tell QEMU to {command}: {said['error'].get('desc')}")
        return said["return"]

    def await_event(self, name: str, *, deadline: float = 120.0, **wanted: Any) -> Mapping[str, Any]:
        """The data of the first event of that name whose data holds `wanted`, which may have come already."""

        def is_it(said: Mapping[str, Any]) -> bool:
            data = said.get("data", {})
            return said.get("event") == name and all(data.get(key) == value for key, value in wanted.items())

        for event in self._events:
            if is_it(event):
                self._events.remove(event)
                return event
        return self._next(is_it, time.monotonic() + deadline)

    def _next(self, wanted: Any, until: float) -> Mapping[str, Any]:
        while True:
            line, newline, rest = self._held.partition(b"\n")
            if newline:
                self._held = rest
                said = json.loads(line)
                if wanted(said):
                    return dict(said)
                if "event" in said:
                    self._events.append(said)
                continue
            self._receive(until)

    def _receive(self, until: float) -> None:
        self._end.settimeout(max(0.001, until - time.monotonic()))
        try:
            more = self._end.recv(65_536)
        except TimeoutError as error:
            raise Unusable("cannot speak with QEMU's monitor: no answer in time") from error
        except OSError as error:
            raise Unusable(f"cannot speak with QEMU's monitor: {error}") from error
        if not more:
            raise Unusable("cannot speak with QEMU's monitor: QEMU ended")
        self._held += more

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._end.close()
