from exod.state.events import EVENTS
from tests.shape import tree


def test_the_page_has_the_table() -> None:
    page = (tree.ROOT / "docs/systems/audit.md").read_text()
    rows = [f"| `{name}` | {row.source} | {row.within:g} | {row.tells} |" for name, row in EVENTS.items()]
    assert "\n".join(rows) in page
