"""The settings table → exod.toml.5."""

from dataclasses import fields
from typing import Any

from docs.man import roff
from exod.settings import Settings, key


def page() -> str:
    parts = (
        roff.head("exod.toml", 5, "settings of exod"),
        roff.heading("Synopsis"),
        roff.example("/etc/exod/exod.toml"),
        roff.heading("Description"),
        roff.paragraph(
            "A TOML file. What it does not name keeps its default; a key that does not exist is refused, so that a "
            "misspelt one never silently means its default. `exoctl daemon check-config` says whether it would be "
            "accepted. It belongs to root, and nobody else may write it."
        ),
        roff.heading("Settings"),
        "".join(roff.item(f"{key(row.name)} = {_shown(row.default)}", _explained(row)) for row in fields(Settings)),
        roff.heading("Files"),
        roff.item("/etc/exod/trust.d/NAME.toml", "Who may sign plugins; `exoctl key trust` writes them."),
        roff.item("/etc/exod/plugins.d/NAME.toml", "What the administrator grants to the plugin NAME."),
        roff.see_also(("exod", 8), ("exoctl-daemon", 1), ("exoctl-key", 1)),
    )
    return "".join(parts)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _explained(row: Any) -> str:
    said = f"{row.metadata['help'][0].upper()}{row.metadata['help'][1:]}."
    return f"{said} Takes effect at the next start." if row.metadata["restart"] else f"{said} Takes effect on reload."
