"""The tables of call numbers, against the headers of this host where it has them."""

import os
import re
from pathlib import Path

from exod.linux.numbers import NUMBERS

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def test_the_numbers_are_those_of_the_headers() -> None:
    known = {
        match[1]: int(match[2])
        for match in re.finditer(r"__NR_(\w+)\s+(\d+)", HEADER.read_text() if HEADER.is_file() else "")
    }
    assert {name: number for name, number in NUMBERS["x86_64"].items() if known.get(name, number) != number} == {}


def test_no_number_has_two_names() -> None:
    for table in NUMBERS.values():
        assert len(set(table.values())) == len(table)


def test_late_calls_have_the_same_number_everywhere() -> None:
    late = {name: number for name, number in NUMBERS["x86_64"].items() if number >= 424}
    assert {name: NUMBERS["aarch64"][name] for name in late} == late
    assert os.uname().machine in NUMBERS
