"""Text → man(7) macros. Backquotes in the text become bold, and nothing in it is ever read as a request."""

import os
import re
import time

from exod import BUILT, __version__

# After a bar a line may break: a list of choices is longer than a line.
_ESCAPES = str.maketrans({"\\": "\\e", "-": "\\-", "~": "\\(ti", "^": "\\(ha", "'": "\\(aq", "`": "\\(ga", "|": "|\\:"})


def head(name: str, section: int, summary: str) -> str:
    """The title and NAME. The date is SOURCE_DATE_EPOCH's, or that of this exod: never the clock's."""
    stamp = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", BUILT)))
    title = f'.TH {escape(name.upper())} {section} "{time.strftime("%Y-%m-%d", stamp)}" "exod {__version__}" "exod"'
    # Neither hyphenated nor stretched: names and commands are to be copied as they stand.
    return f"{title}\n.nh\n.ad l\n{heading('Name')}{escape(name)} \\- {text(summary)}"


def heading(title: str) -> str:
    return f'.SH "{title.upper()}"\n'


def subheading(title: str) -> str:
    return f'.SS "{escape(title)}"\n'


def paragraph(words: str) -> str:
    return f".PP\n{text(words)}"


def paragraphs(words: str) -> str:
    """Split at empty lines."""
    return "".join(paragraph(" ".join(part.split())) for part in re.split(r"\n\s*\n", words.strip()) if part.strip())


def item(term: str, words: str) -> str:
    """A term in bold, its explanation indented below it."""
    return f".TP\n\\fB{escape(term)}\\fR\n{text(words)}"


def example(lines: str) -> str:
    body = "".join(f"{_line(escape(line))}\n" for line in lines.strip("\n").splitlines())
    return f".PP\n.RS 4\n.nf\n{body}.fi\n.RE\n"


def see_also(*pages: tuple[str, int]) -> str:
    last = len(pages) - 1
    rows = (f".BR {escape(name)} ({of}){',' if n < last else ''}\n" for n, (name, of) in enumerate(pages))
    return heading("See also") + "".join(rows)


def text(words: str) -> str:
    """One line of running text."""
    parts = words.split("`")
    bold = [f"\\fB{escape(part)}\\fR" if place % 2 else escape(part) for place, part in enumerate(parts)]
    return f"{_line(''.join(bold))}\n"


def escape(words: str) -> str:
    return words.translate(_ESCAPES)


def _line(line: str) -> str:
    return f"\\&{line}" if line.startswith((".", "'")) else line
