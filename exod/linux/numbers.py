"""System call numbers: name → number per architecture, for every call that a sandbox profile names: `syscalls.tbl`."""

from pathlib import Path


def _read(table: Path) -> dict[str, dict[str, int]]:
    rows = [line.split() for line in table.read_text().splitlines() if not line.startswith("#")]
    columns = {"x86_64": 1, "aarch64": 2}
    return {arch: {row[0]: int(row[at]) for row in rows if row[at] != "-"} for arch, at in columns.items()}


NUMBERS = _read(Path(__file__).with_name("syscalls.tbl"))
