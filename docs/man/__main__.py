"""`python -m docs.man DIRECTORY`: every page, one file each."""

import sys
from pathlib import Path

from docs.man import commands, daemon, manifest, prose, settings


def pages() -> dict[str, str]:
    """File name → its roff."""
    return {
        "exod.8": daemon.page(),
        **commands.pages(),
        "exod.toml.5": settings.page(),
        "package.toml.5": manifest.page(),
        "exopkg.7": prose.page("exopkg", 7),
    }


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
