"""What lies on a host of plugins' own networks is found and taken away, and nothing else."""

from collections.abc import Iterator

import pytest

from exod.brokers.network.own import left, link
from exod.brokers.network.own.steps import Wires
from exod.settings import Settings
from tests.exod.brokers.network.own import apart
from tests.exod.brokers.network.own.apart import Place
from tests.exod.sandbox.rig import confinement

RANGE = "10.251.0.0/16"


@pytest.fixture
def host() -> Iterator[Place]:
    with apart.place() as made:
        yield made


async def test_what_was_left_is_found_and_taken_away(host: Place) -> None:
    wires = Wires(Settings(network_range=RANGE))
    for number in (1, 2):
        await wires.connect(number, confinement(permissions={"network": ("listen:tcp:8080",)}), host.space())
    assert (left.links(RANGE), left.has_table(RANGE)) == (["exo0afb0000", "exo0afb0002"], True)
    assert (left.links("10.252.0.0/16"), left.has_table("10.252.0.0/16")) == ([], False)
    left.remove("10.252.0.0/16")
    left.remove("nothing")
    assert len(left.links(RANGE)) == 2
    left.remove(RANGE)
    left.remove(RANGE)
    assert ([name for name, _ in link.links()], apart.tables()) == (["lo"], 0)


def test_a_range_that_is_none_has_nothing() -> None:
    assert (left.links(""), left.has_table("")) == ([], False)


def test_this_kernel_can_do_all_of_it(host: Place) -> None:
    left.try_out()
    assert (apart.tables(), len([*link.links()])) == (2, 3), host
