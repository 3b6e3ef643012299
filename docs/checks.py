"""The doctor's checks → the table of docs/systems/doctor.md: `python -m docs.checks` writes it there."""

from pathlib import Path

from exod.brokers.doctor.table import CHECKS

PAGE = Path(__file__).parent / "systems/doctor.md"
BEGIN, END = "<!-- checks: written by python -m docs.checks -->\n", "<!-- end of checks -->\n"


def table() -> str:
    rows = ["| check | what ought to be | what its lack costs | repaired | in `Degraded` |", "|---|---|---|---|---|"]
    for check in CHECKS:
        marks = ("yes" if check.repair else "", "yes" if check.protection else "")
        rows.append(f"| `{check.id}` | {check.title} | {check.cost} | {' | '.join(marks)} |")
    return "\n".join(rows) + "\n"


def written(page: str) -> str:
    """The page with the table of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
