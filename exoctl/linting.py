"""A package's files → what exod's lint would find in them, in this process: they are the author's own."""

from collections.abc import Sequence

from exoctl.session import Session
from exod.brokers.lint.asking import asked, worth_reading
from exod.brokers.lint.examine import examine
from exod.brokers.lint.findings import Finding
from exod.package.archive import Tree
from exod.package.manifest import Manifest


def look(manifest: Manifest, tree: Tree) -> list[Finding]:
    return examine(worth_reading(tree), asked(manifest))


def document(one: Finding) -> dict[str, object]:
    told = {"path": one.path, "line": one.line, "rule": one.rule, "severity": str(one.about.severity)}
    return told | {"what": one.what, "why": one.about.why, "instead": one.about.instead}


def tell(session: Session, found: Sequence[Finding]) -> None:
    """Beside the answer; what to do about it says `package lint`."""
    for one in found:
        session.printer.note(f"{one.about.severity}: {one}")
