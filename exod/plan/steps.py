"""What a job would do, as data: kinds of step, the plan they form, and the JSON that the journal keeps. Pure.

Every step has a do and an undo handler by kind (`supervisor/handlers`), both safe to run twice, and a `describe()`
that a dry run prints and a job shows. A step's data holds all that its undo needs, so the whole plan is written
to the journal once, before the first step acts, and undoing the plan in reverse is right wherever the daemon died.
"""

import json
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
    DISCARD = "discard"


_WORDS: Mapping[StepKind, str] = {
    StepKind.STORE_PACKAGE: "store package {plugin} {version} (sha256 {digest:.12})",
    StepKind.PIN_OWNER: "pin {owner:.12} as owner of {plugin}, no version below {mark}",
    StepKind.REGISTER: "register {plugin} {version}",
    StepKind.MAKE_DATA: "make the data directory of {plugin} (at most {quota} bytes)",
    StepKind.RESERVE_INSTANCE: "reserve an instance of {plugin} {version}",
    StepKind.PREPARE_SANDBOX: "prepare the sandbox of {plugin} {version}",
    StepKind.SPAWN: "fork {plugin} {version} into its sandbox",
    StepKind.CHECK_WALLS: "check the walls of {plugin} from inside and outside",
    StepKind.GO: "let {plugin} {version} import its code",
    StepKind.OFFER_SERVICES: "offer the services of {plugin}",
    StepKind.START: "start {plugin}",
    StepKind.SUSPEND: "suspend {plugin}",
    StepKind.RESUME: "resume {plugin}",
    StepKind.STOP: "stop {plugin}",
    StepKind.WITHDRAW_SERVICES: "withdraw the services of {plugin}",
    StepKind.END_INSTANCE: "end the instance of {plugin}",
    StepKind.SET_DESIRED: "remember that {plugin} is to be {desired}, {enabled}",
    StepKind.SET_CONFIG: "set the configuration of {plugin}: {keys}",
    StepKind.UNREGISTER: "unregister {plugin}",
    StepKind.DROP_PACKAGE: "remove package {plugin} {version}",
    StepKind.DROP_DATA: "remove the data of {plugin}",
    StepKind.DISCARD: "forget for good what was removed of {plugin}",
}


@dataclass(frozen=True, slots=True)
class Step:
    kind: StepKind
    data: Mapping[str, Scalar]

    def describe(self) -> str:
        """One line for people: `store package hello 1.0.0 (sha256 1f2e…)`. Names no instance: a dry run has none."""
        words = {key: value for key, value in self.data.items() if type(value) is not bool}
        words |= {key: f"{'' if value else 'not '}{key}" for key, value in self.data.items() if type(value) is bool}
        return _WORDS[self.kind].format(**words)

    def text(self, key: str) -> str:
        return str(self.data[key])

    def number(self, key: str) -> int:
        return int(self.data[key] or 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order. From the step with index `no_return` on there is no way back: recovery goes forward from there.

    `passed` is journalled before that step begins. None: every step can be undone.
    """

    steps: tuple[Step, ...]
    no_return: int | None = None
    passed: bool = False

    def encode(self) -> str:
        steps = [[step.kind.value, dict(step.data)] for step in self.steps]
        plan = {"steps": steps, "no_return": self.no_return, "passed": self.passed}
        return json.dumps(plan, sort_keys=True, separators=(",", ":"))


def decode(text: str) -> Plan:
    """The plan that `encode` wrote. Raises ValueError when it is not one: the journal is exod's own."""
    table = json.loads(text)
    steps = tuple(Step(StepKind(kind), data) for kind, data in table["steps"])
    return Plan(steps, table["no_return"], passed=table["passed"])
