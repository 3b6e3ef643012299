"""The ring's protocol as two models, of which spin tries every order: they hold, and without a part of them not."""

import functools
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exosdk.ring import orders

HERE = Path(__file__).parent
Check = Callable[[str, int, int], int]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Of a model, without one of its parts, of one of its kinds."""

    @functools.cache
    def build(model: str) -> Path:
        place = tmp_path_factory.mktemp(model)
        made = subprocess.run(
            ["spin", "-a", HERE / f"{model}.pml"], cwd=place, capture_output=True, text=True, check=True
        )
        assert "rror" not in made.stdout + made.stderr
        subprocess.run(["gcc", "-O1", "-DSAFETY", "-o", "pan", "pan.c"], cwd=place, check=True)
        return place

    def check(model: str, weak: int, kind: int) -> int:
        place = build(model)
        environment = os.environ | {"WEAK": str(weak), "LOANS": str(kind), "DOORBELL": str(kind)}
        found = subprocess.run([place / "pan"], cwd=place, env=environment, capture_output=True, text=True, check=True)
        assert not re.search("depth too small|out of memory", found.stdout)
        return int(re.findall(r"errors: (\d+)", found.stdout)[0])

    return check


@pytest.mark.slow
@pytest.mark.parametrize("model", ["queue", "bell"])
@pytest.mark.parametrize("kind", [0, 1])
def test_the_protocol_holds_whatever_the_order_and_whoever_is_killed(errors: Check, model: str, kind: int) -> None:
    assert errors(model, 0, kind) == 0


@pytest.mark.slow
@pytest.mark.parametrize("weaker", orders.ORDERS)
def test_without_an_order_it_does_not_hold(errors: Check, weaker: str) -> None:
    order = orders.ORDERS[weaker]
    assert errors(order.model, order.weak, order.kind) == 1


@pytest.mark.parametrize(("weak", "kind"), [(1, 1), (3, 0), (4, 1)])
def test_without_another_part_of_it_a_sleeper_is_not_woken(errors: Check, weak: int, kind: int) -> None:
    """The same fence for the doorbell; what a nap waits on is read before the last look; listenings differ."""
    assert errors("bell", weak, kind) == 1


def test_every_order_that_the_code_asks_for_is_one_of_the_models() -> None:
    for order in orders.ORDERS.values():
        assert (orders.RING / order.file).read_text().count(order.strong) == 1, order
    assert orders.asked_for() == len(orders.ORDERS)
