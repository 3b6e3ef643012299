"""The queue's core without Python, under the compiler's sanitizers; and each order of memory is shown to be needed."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.exosdk.ring.orders import ORDERS, RING

HERE = Path(__file__).parent
CORE = (RING / "_core.h").read_text()
PLACE = "../../../exosdk/ring/"
# The sanitizer of threads sees calls of memcpy and not what the compiler makes of them.
FLAGS = ("-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-builtin-memcpy", "-fno-sanitize-recover=all")


def run(directory: Path, sanitizer: str, *, core: str, messages: int) -> subprocess.CompletedProcess[str]:
    """Of the core as it is given, whatever its file says now."""
    (directory / "_core.h").write_text(core)
    for header in ("_arena.h", "_bell.h", "_probe.h"):
        (directory / header).write_text((RING / header).read_text())
    (directory / "core.c").write_text((HERE / "core.c").read_text().replace(PLACE, ""))
    program = directory / "core"
    flags = (*FLAGS, f"-fsanitize={sanitizer}", *([] if sanitizer == "thread" else ["-DBELL"]))
    subprocess.run(["gcc", *flags, str(directory / "core.c"), "-o", str(program), "-pthread"], check=True)
    # Without random addresses: the sanitizer of threads wants its own where some kernels put others.
    command = ["setarch", "-R", str(program), str(messages)]
    environment = os.environ | {"TSAN_OPTIONS": "halt_on_error=1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_what_it_does_with_honest_and_with_hostile_ends_is_clean(tmp_path: Path, sanitizer: str) -> None:
    done = run(tmp_path, sanitizer, core=CORE, messages=100_000)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("weaker", [name for name, order in ORDERS.items() if order.file == "_core.h"])
def test_every_order_of_memory_is_needed(tmp_path: Path, weaker: str) -> None:
    """Each is weakened in a copy, and the sanitizer sees the race that it kept away. It knows no fences."""
    strong = ORDERS[weaker].strong
    weak = strong.replace("_release", "_relaxed").replace("_acquire", "_relaxed")
    done = run(tmp_path, "thread", core=CORE.replace(strong, weak), messages=20_000)
    assert "data race" in done.stderr
    assert done.returncode == 66


@pytest.mark.slow
def test_what_is_built_for_arm_does_the_same(tmp_path: Path) -> None:
    """Emulated on a machine whose memory is in stronger order: it says nothing about the orders, only of the rest."""
    program = tmp_path / "core"
    flags = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-DBELL", "-static", "-pthread")
    subprocess.run(["aarch64-linux-gnu-gcc", *flags, HERE / "core.c", "-o", program], check=True)
    done = subprocess.run(["qemu-aarch64", program, "20000"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
