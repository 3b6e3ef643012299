"""What went wrong, as a value: every refusal of exod, in the one shape that bus, command line and audit share.

Refusals are returned by pure code and raised (as `Refused`) only where an effect has to be abandoned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from exod.names import BUS_NAME


class Outcome(Enum):
    """How a request ended: the error's name on the bus, and the exit code of the command line."""

    FAILED = ("Failed", 1)
    USAGE = ("InvalidArgs", 2)
    REFUSED = ("Refused", 3)
    NOT_FOUND = ("NotFound", 4)
    NOT_AUTHORIZED = ("NotAuthorized", 5)
    UNREACHABLE = ("Unreachable", 6)
    TIMED_OUT = ("TimedOut", 7)

    @property
    def bus_name(self) -> str:
        return f"{BUS_NAME}.Error.{self.value[0]}"

    @property
    def exit_code(self) -> int:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done.

    code: stable, kebab-case, for machines (`signer-out-of-scope`).
    sentence: "cannot VERB THING: reason", for people; one line, no trailing full stop.
    hint: the next step, a command where there is one; may be empty.
    evidence: what the decision rested on; strings only, no secrets.
    """

    code: str
    sentence: str
    hint: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.REFUSED

    def fields(self) -> dict[str, str]:
        """The flat form of audit records and `--json`; evidence keys are prefixed with `evidence.`."""
        flat = {"code": self.code, "sentence": self.sentence, "hint": self.hint, "outcome": self.outcome.name.lower()}
        return flat | {f"evidence.{key}": value for key, value in self.evidence.items()}

    @classmethod
    def from_fields(cls, flat: Mapping[str, str]) -> "Refusal":
        evidence = {key[9:]: value for key, value in flat.items() if key.startswith("evidence.")}
        outcome = Outcome[flat.get("outcome", "failed").upper()]
        return cls(flat["code"], flat["sentence"], flat.get("hint", ""), evidence, outcome)


class Refused(Exception):
    """Carries a refusal up through effects; caught where a job, a request or a command ends."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal
