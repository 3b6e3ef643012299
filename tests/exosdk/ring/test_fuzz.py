"""Queue and arena under whatever a fuzzer thinks of: each input is a story of two ends, of which either may lie."""

import re
from pathlib import Path

import pytest

from tests.exosdk.ring import fuzzing
from tests.exosdk.ring.orders import RING

RUNS = 500_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fuzzing.build(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.slow
def test_the_inputs_that_are_kept_are_survived(program: Path) -> None:
    assert fuzzing.replay(program) == ""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_half_a_million_inputs_are_survived(program: Path) -> None:
    """`make soak` tries two hundred times as many."""
    assert fuzzing.explore(program, seed=1, runs=RUNS) == {"seed": 1, "tried": RUNS, "violations": []}


WEAKER = {
    "a head beyond what was sent": ("_core.h", "|| head > ring->at)", "|| head > ring->at + 9)"),
    "a message larger than any": ("_core.h", "|| size > RING_MESSAGE_MAX;", "|| size > 560;"),
    "a loan beyond the arena": ("_core.h", "(units - loan.chunk) * RING_UNIT", "units * RING_UNIT"),
    "runs that are joined wrongly": ("_arena.h", "index &= other;", "index &= other | 1;"),
}


@pytest.mark.slow
@pytest.mark.parametrize("weaker", WEAKER)
def test_the_inputs_that_are_kept_find_what_is_broken(tmp_path: Path, weaker: str) -> None:
    """Each check is taken out of a copy. The fuzzer finds each of them by itself; then the input is kept."""
    name, strong, weak = WEAKER[weaker]
    for header in RING.glob("*.h"):
        text = header.read_text()
        assert header.name != name or text.count(strong) == 1
        (tmp_path / header.name).write_text(text.replace(strong, weak) if header.name == name else text)
    source = tmp_path / "fuzz.c"
    source.write_text((fuzzing.HERE / "fuzz.c").read_text().replace("../../../exosdk/ring/", ""))
    assert re.search(r"^line \d+: not ", fuzzing.replay(fuzzing.build(tmp_path, source=source)), re.MULTILINE)
