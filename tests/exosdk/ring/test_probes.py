"""Where a tracer can look at a ring: the notes in the built file, and what stands in the code while nobody looks."""

import ctypes
import platform
import re
import subprocess
from pathlib import Path

from exosdk.ring import _ring

BUILT = Path(_ring.__file__)
NOP = bytes.fromhex("0f1f440000" if platform.machine() == "x86_64" else "1f2003d5")
NOTE = re.compile(r"Provider: exod\s+Name: (\w+)\s+Location: (0x\w+),.*Semaphore: (0x\w+)\s+Arguments: (.*)")
VALUES = {"push": ["8", "8", "1", "4"], "pop": ["8", "8", "1", "4"], "drop": ["8", "8", "1", "4"], "wake": ["8", "4"]}
"""The sizes of ring, position, type and size of the message; of ring and number of the call."""


def notes() -> list[tuple[str, int, int, str]]:
    """Name, where it lies, its counter of tracers, its values."""
    told = subprocess.run(["readelf", "-n", BUILT], capture_output=True, text=True, check=True).stdout
    return [(name, int(at, 16), int(counter, 16), values) for name, at, counter, values in NOTE.findall(told)]


def loaded_at() -> int:
    maps = Path("/proc/self/maps").read_text()
    return min(int(line.split("-")[0], 16) for line in maps.splitlines() if line.endswith(str(BUILT)))


def test_every_probe_says_where_it_lies_and_what_its_values_are() -> None:
    found = {name: re.findall(r"(\d)@", values) for name, _, _, values in notes()}
    assert found == VALUES


def test_a_probe_that_nobody_looks_at_is_one_nop_and_no_test_of_a_counter() -> None:
    base = loaded_at()
    for name, at, counter, _ in notes():
        assert (name, ctypes.string_at(base + at, len(NOP)), counter) == (name, NOP, 0)
