"""fuzz.c built with clang's libFuzzer, and run from the corpus that is kept beside it: what it found wrong."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
FLAGS = ("-std=c11", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all")


def build(into: Path, *, source: Path = HERE / "fuzz.c") -> Path:
    program = into / "fuzz"
    command = ["clang-14", *FLAGS, "-fsanitize=fuzzer,address,undefined", source, "-o", program]
    subprocess.run(command, check=True)
    return program


def run(program: Path, *arguments: str | Path) -> tuple[int, str]:
    """How many inputs it tried, and why it stopped too early. Without random addresses, it learns from them."""
    command = ["setarch", "-R", program, f"-artifact_prefix={program.parent}/", "-print_final_stats=1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    return int(tried[1]) if tried else 0, done.stderr[-8000:] if done.returncode else ""


def replay(program: Path) -> str:
    return run(program, *sorted(CORPUS.iterdir()))[1]


def explore(program: Path, *, seed: int, runs: int) -> dict[str, Any]:
    """From the corpus on; what is new is not kept. A seed finds the same every time."""
    corpus = program.parent / f"corpus-{seed}"
    shutil.copytree(CORPUS, corpus)
    tried, wrong = run(program, f"-seed={seed}", f"-runs={runs}", "-max_len=80", "-verbosity=0", corpus)
    shutil.rmtree(corpus)
    return {"seed": seed, "tried": tried, "violations": [wrong] if wrong else []}
