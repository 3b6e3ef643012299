"""`python -m docs.completions DIRECTORY`: one file a shell, named as its shell looks for it."""

import sys
from pathlib import Path

from docs.completions import bash, fish, tree, zsh


def scripts() -> dict[str, str]:
    """File name → its text."""
    verbs = tree.verbs()
    return {"exoctl.bash": bash.script(verbs), "_exoctl": zsh.script(verbs), "exoctl.fish": fish.script(verbs)}


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in scripts().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
