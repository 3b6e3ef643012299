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
    """Named verb-object; the value is what the journal stores, `words` what people read."""

    words: str

    def __new__(cls, value: str, words: str = "") -> "StepKind":
        kind = str.__new__(cls, value)
        kind._value_, kind.words = value, words
        return kind

    STORE_PACKAGE = "store-package", "store package {plugin} {version} (sha256 {digest:.12})"
    PIN_OWNER = "pin-owner", "pin {owner:.12} as owner of {plugin}, no version below {mark}"
    REGISTER = "register", "register {plugin} {version}"
    MAKE_DATA = "make-data", "make the data directory of {plugin} (at most {quota} bytes)"
    RESERVE_INSTANCE = "reserve-instance", "reserve an instance of {plugin} {version}"
    PREPARE_SANDBOX = "prepare-sandbox", "prepare the sandbox of {plugin} {version}"
    SPAWN = "spawn", "fork {plugin} {version} into its sandbox"
    CHECK_WALLS = "check-walls", "check the walls of {plugin} from inside and outside"
    GO = "go", "let {plugin} {version} import its code"
    OFFER_SERVICES = "offer-services", "offer the services of {plugin}"
    START = "start", "start {plugin}"
    SUSPEND = "suspend", "suspend {plugin}"
    RESUME = "resume", "resume {plugin}"
    STOP = "stop", "stop {plugin}"
    WITHDRAW_SERVICES = "withdraw-services", "withdraw the services of {plugin}"
    END_INSTANCE = "end-instance", "end the instance of {plugin}"
    SET_DESIRED = "set-desired", "remember that {plugin} is to be {desired}, {enabled}"
    SET_CONFIG = "set-config", "set the configuration of {plugin}: {keys}"
    UNREGISTER = "unregister", "unregister {plugin}"
    DROP_PACKAGE = "drop-package", "remove package {plugin} {version}"
    DROP_DATA = "drop-data", "remove the data of {plugin}"
    DISCARD = "discard", "forget for good what was removed of {plugin}"


@dataclass(frozen=True, slots=True)
class Step:
    kind: StepKind
    data: Mapping[str, Scalar]

    def describe(self) -> str:
        """One line for people: `store package hello 1.0.0 (sha256 1f2e…)`. Names no instance: a dry run has none."""
        words = {key: value for key, value in self.data.items() if type(value) is not bool}
        words |= {key: f"{'' if value else 'not '}{key}" for key, value in self.data.items() if type(value) is bool}
        return self.kind.words.format(**words)

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
