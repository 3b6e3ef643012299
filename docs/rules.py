"""The lint's rules → the table of docs/systems/lint.md: `python -m docs.rules` writes it there."""

from pathlib import Path

from exod.brokers.lint.rules import RULES

PAGE = Path(__file__).parent / "systems/lint.md"
BEGIN, END = "<!-- rules: written by python -m docs.rules -->\n", "<!-- end of rules -->\n"


def table() -> str:
    rows = ["| rule | severity | what it finds | why | instead |", "|---|---|---|---|---|"]
    rows += [f"| `{rule.id}` | {rule.severity} | {rule.finds} | {rule.why} | {rule.instead} |" for rule in RULES]
    return "\n".join(rows) + "\n"


def written(page: str) -> str:
    """The page with the table of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
