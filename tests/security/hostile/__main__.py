"""`make threat-model`: runs every attempt and writes the page."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.security.hostile.catalogue import EVERY
from tests.security.hostile.house import compiled
from tests.security.hostile.layers import WITHIN
from tests.security.hostile.page import page, said
from tests.security.hostile.trial import verdicts

PAGE = Path(__file__).resolve().parents[3] / "docs/threat-model.md"


def main() -> int:
    with tempfile.TemporaryDirectory() as tools:
        found = asyncio.run(verdicts(EVERY, compiled(Path(tools))))
    PAGE.write_text(page(found, within=len(WITHIN)), encoding="utf-8")
    wrong = [verdict for verdict in found if said(verdict) != "stopped"]
    for verdict in wrong:
        print(f"{verdict.attempt.name}: {said(verdict)} {verdict}")
    print(f"{len(found)} attempts, {len(found) - len(wrong)} stopped as they should be: {PAGE}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
