"""The working tree → a private copy with its own interpreter, in which even `python -I` imports the copy's code."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", "build", ".*_cache", ".hypothesis", ".coverage*")
LIBRARIES = Path(pytest.__file__).parents[1]
COMMANDS = ("exod", "exoctl")


def make_copy(root: Path, target: Path) -> Path:
    """All but history and caches, built extensions included; libraries come from the environment that runs us."""
    shutil.copytree(root, target, ignore=LEFT_OUT, symlinks=True)
    own = target / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", str(own)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(own), "platbase": str(own)}))
    # The copy's root first: our own environment also names the tree that was copied.
    (site / "copy.pth").write_text(f"{target}\n{LIBRARIES}\n")
    for command in COMMANDS:
        script = own / "bin" / command
        script.write_text(
            f"#!{own}/bin/python -I\nimport sys\n\nfrom {command}.__main__ import main\n\nsys.exit(main())\n"
        )
        script.chmod(0o755)
    return target
