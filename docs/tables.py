"""Tables of the code → between the marks of the pages that show them: `python -m docs.tables` writes them there."""

from pathlib import Path

from exod.brokers.doctor.table import CHECKS
from exod.brokers.lint.rules import RULES

SYSTEMS = Path(__file__).parent / "systems"


def checks() -> str:
    rows = ["| check | what ought to be | what its lack costs | repaired | in `Degraded` |", "|---|---|---|---|---|"]
    for check in CHECKS:
        marks = ("yes" if check.repair else "", "yes" if check.protection else "")
        rows.append(f"| `{check.id}` | {check.title} | {check.cost} | {' | '.join(marks)} |")
    return "\n".join(rows) + "\n"


def rules() -> str:
    rows = ["| rule | severity | what it finds | why | instead |", "|---|---|---|---|---|"]
    rows += [f"| `{rule.id}` | {rule.severity} | {rule.finds} | {rule.why} | {rule.instead} |" for rule in RULES]
    return "\n".join(rows) + "\n"


TABLES = {"doctor.md": checks, "lint.md": rules}
"""Page → its table, whose name is the mark's."""


def written(page: str) -> str:
    """The page with the table of today between its marks."""
    table = TABLES[page]
    begin, end = f"<!-- {table.__name__}: written by python -m docs.tables -->\n", f"<!-- end of {table.__name__} -->\n"
    before, _, rest = (SYSTEMS / page).read_text().partition(begin)
    return f"{before}{begin}{table()}{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    for name in TABLES:
        (SYSTEMS / name).write_text(written(name))
