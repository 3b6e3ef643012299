"""What one run of one verb shares: how to print, which bus to ask, whether to act, how long to wait."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from exoctl.printer import Printer
from exod.errors import Refused

if TYPE_CHECKING:
    from exoctl.bus import Connection

ADDRESS_VARIABLE = "EXOD_BUS_ADDRESS"
DEV_VARIABLE = "EXOD_DEV_DIR"


@dataclass(frozen=True, slots=True)
class Action:
    """One effect of a verb that runs here: what a dry run prints, and what is done."""

    description: str
    do: Callable[[], None]


class Session:
    """Entered for the length of a verb; leaving it closes the bus."""

    def __init__(
        self,
        printer: Printer,
        *,
        address: str | None = None,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> None:
        self.printer = printer
        self.address = address
        self.dry_run = dry_run
        self.wait = wait
        self.timeout = timeout
        self._connection: Connection | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()

    @property
    def json_mode(self) -> bool:
        return self.printer.json_mode

    @property
    def bus(self) -> "Connection":
        """Connected when first asked for: most of `package` and `key` never asks."""
        if self._connection is None:
            from exoctl.bus import SYSTEM_BUS, Connection

            address = self.address or os.environ.get(ADDRESS_VARIABLE) or os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
            self._connection = Connection(address or SYSTEM_BUS, interactive=self.may_ask)
        return self._connection

    @property
    def may_ask(self) -> bool:
        """Whether a person is there to answer: nothing is asked in JSON mode or without a terminal."""
        return not self.json_mode and sys.stdin is not None and sys.stdin.isatty()

    @property
    def configuration(self) -> str:
        """Where exod reads its configuration: below the development directory, if this shell has one."""
        dev = os.environ.get(DEV_VARIABLE)
        return os.path.join(dev, "etc") if dev else "/etc/exod"

    @property
    def state(self) -> str:
        """Where exod keeps what survives it."""
        dev = os.environ.get(DEV_VARIABLE)
        return os.path.join(dev, "lib") if dev else "/var/lib/exod"

    def trust_directory(self, given: str | None) -> str:
        """Where a verb writes trust. Refused where it would be this host's, and the shell speaks to another exod."""
        elsewhere = self.address or os.environ.get(ADDRESS_VARIABLE)
        if given is None and elsewhere and not os.environ.get(DEV_VARIABLE):
            from exoctl.faults import usage

            sentence = f"cannot change trust in {self.configuration}: this shell speaks to the exod at {elsewhere}"
            hint = f"export {DEV_VARIABLE} too, or say --trust-dir DIR"
            raise Refused(usage(sentence, hint))
        return given or os.path.join(self.configuration, "trust.d")

    def perform(self, actions: Sequence[Action]) -> bool:
        """Does all in order, or says what would be done; whether it was done."""
        if self.dry_run:
            self.plan([action.description for action in actions])
            return False
        for action in actions:
            action.do()
        return True

    def plan(self, steps: Sequence[str]) -> None:
        if self.json_mode:
            self.printer.document({"dry_run": True, "steps": list(steps)})
            return
        self.printer.line("would, in this order:" if steps else "nothing would change")
        for number, step in enumerate(steps, start=1):
            self.printer.line(f"  {number}. {step}")
