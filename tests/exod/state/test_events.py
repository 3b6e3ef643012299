"""The table of events against the page that shows it and the code that writes them; a daemon writes each of them in
tests/acceptance/test_audit_events.py.
"""

import ast
from collections.abc import Iterator

from exod.state import chain
from exod.state.events import EVENTS
from tests.shape import tree

OF_ITSELF = {"audit-opened", "audit-flood", chain.CLOSED, chain.PRUNED}
"""What the log says of itself, not the ledger."""


def test_the_page_has_the_table() -> None:
    page = (tree.ROOT / "docs/systems/audit.md").read_text()
    rows = [f"| `{name}` | {row.source} | {row.within:g} | {row.tells} |" for name, row in EVENTS.items()]
    assert "\n".join(rows) in page


def test_what_the_code_notes_is_the_table() -> None:
    noted = {event for path in tree.sources("exod") for event in events(ast.parse((tree.ROOT / path).read_text()))}
    assert sorted(noted | OF_ITSELF) == sorted(EVENTS)


def events(source: ast.AST) -> Iterator[str]:
    """The first argument of whatever is called `note`; an event is spelt where it is noted."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "note":
            assert isinstance(node.args[0], ast.Constant), ast.unparse(node)
            yield str(node.args[0].value)
