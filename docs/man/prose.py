"""Pages that no table holds: NAME.SECTION.txt beside this file → roff.

A small language: `= title` the summary, `# heading`, `- term: words`, lines indented by four an example, `@options`
what was generated, `@see NAME(N) …`; all else paragraphs.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from docs.man import roff

_HERE = Path(__file__).parent


def page(name: str, section: int, *, options: str = "") -> str:
    text = (_HERE / f"{name}.{section}.txt").read_text(encoding="utf-8")
    blocks = [block.strip("\n") for block in re.split(r"\n\s*\n", text) if block.strip()]
    return "".join(part for block in blocks for part in _block(block, name, section, options=options))


def _block(block: str, name: str, section: int, *, options: str) -> Iterator[str]:
    words = " ".join(block.split())
    if block.startswith("= "):
        yield roff.head(name, section, words[2:])
    elif block.startswith("# "):
        yield roff.heading(words[2:])
    elif block.startswith("- "):
        for row in re.split(r"\n(?=- )", block):
            term, _, said = " ".join(row[2:].split()).partition(": ")
            yield roff.item(term, said)
    elif block.startswith("    "):
        yield roff.example("\n".join(line[4:] for line in block.splitlines()))
    elif block == "@options":
        yield options
    elif block.startswith("@see "):
        pages = re.findall(r"([\w.-]+)\((\d)\)", block)
        yield roff.see_also(*((found, int(number)) for found, number in pages))
    else:
        yield roff.paragraph(words)
