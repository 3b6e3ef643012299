"""What a job would do, as data: request and present state → [Step, …]. Pure.

Every step has a do and an undo handler by kind (`supervisor/handlers`), both safe to run twice, and a `describe()`
that a dry run prints and the journal keeps. A step's data holds all that its undo needs, so the whole plan is written
to the journal once, before the first step acts, and undoing the plan in reverse is right wherever the daemon died.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Scalar = str | int | bool | None


class StepKind(StrEnum):
    """Named verb-object; the value is what the journal stores."""

    STORE_PACKAGE = "store-package"
    PIN_OWNER = "pin-owner"
    REGISTER = "register"
    MAKE_DATA = "make-data"
    RESERVE_INSTANCE = "reserve-instance"
    PREPARE_SANDBOX = "prepare-sandbox"
    SPAWN = "spawn"
    CHECK_WALLS = "check-walls"
    GO = "go"
    OFFER_SERVICES = "offer-services"
    START = "start"
    SUSPEND = "suspend"
    RESUME = "resume"
    STOP = "stop"
    WITHDRAW_SERVICES = "withdraw-services"
    END_INSTANCE = "end-instance"
    SET_DESIRED = "set-desired"
    SET_CONFIG = "set-config"
    UNREGISTER = "unregister"
    DROP_PACKAGE = "drop-package"
    DROP_DATA = "drop-data"


@dataclass(frozen=True, slots=True)
class Step:
    kind: StepKind
    data: Mapping[str, Scalar]

    def describe(self) -> str:
        """One line for people: `store package hello 1.0.0 (sha256 1f2e…)`."""
        return self.kind.replace("-", " ", 1)
