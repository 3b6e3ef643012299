"""What is wrong after a kill, by kind."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Findings:
    """lost: something that lived is gone. violations: exod, registry, kernel or callers disagree."""

    lost: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
