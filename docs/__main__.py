"""`python -m docs DIRECTORY`: what the package is built with: man/ and completions/, one file a page and a shell."""

import sys
from pathlib import Path

from docs.completions import scripts
from docs.man import pages


def main(directory: Path) -> None:
    for room, texts in {"man": pages(), "completions": scripts()}.items():
        (directory / room).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (directory / room / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
