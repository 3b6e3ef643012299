"""The one way out of this room's readers: raised deep inside, a Refusal at the public face of each module."""

from exod.errors import Refusal

SHOWN = 60
"""Characters of hostile text that a message may repeat."""


def shown(text: object) -> str:
    """Foreign text, safe on a terminal and in a log: ASCII, quoted, cut."""
    quoted = ascii(text if isinstance(text, str) else type(text).__name__)
    return quoted if len(quoted) <= SHOWN else quoted[:SHOWN] + "..."


class MalformedError(Exception):
    """`key` names the place in the document (`limits.memory`); `line` is counted from 1, 0 where it is not known.

    `code` "" stands for the document's own general code, which its public face fills in.
    """

    def __init__(self, code: str, reason: str, *, key: str = "", line: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.key = key
        self.line = line

    def refusal(self, thing: str, *, code: str) -> Refusal:
        place = f"{self.key}: " if self.key else ""
        evidence = {"key": self.key} if self.key else {}
        if self.line:
            evidence["line"] = str(self.line)
            place = f"line {self.line}: {place}"
        return Refusal(self.code or code, f"cannot read {thing}: {place}{self.reason}", evidence=evidence)
