"""The settings table → `etc/exod.toml` as shipped: every setting with its help, its default behind a `#`."""

import json
import sys
import textwrap
from dataclasses import fields
from typing import Any

from exod.settings import Settings, key

_HEAD = """\
Settings of exod. Every line shows its default; remove the # to change it. What takes effect on a reload
(systemctl reload exod) says so, the rest at the next start. Check with: exoctl daemon check-config"""


def page() -> str:
    return "\n\n".join([_comment(_HEAD), *map(_entry, fields(Settings))]) + "\n"


def _entry(row: Any) -> str:
    said = f"{row.metadata['help']}{'' if row.metadata['restart'] else ' (takes effect on reload)'}"
    value = json.dumps(row.default)  # of these types, what JSON writes TOML reads
    return f"{_comment(said[0].upper() + said[1:])}\n#{key(row.name)} = {value}"


def _comment(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), width=100, initial_indent="# ", subsequent_indent="# ")


if __name__ == "__main__":
    sys.stdout.write(page())
