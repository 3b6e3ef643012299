"""Links are found by their number and by either end, and leave nothing."""

from typing import Any, cast

from exod.brokers.router.rules import Shape
from exod.brokers.router.table import Link, Links


class End:
    def __init__(self, number: int) -> None:
        self.id = number


def link(number: int, one: int, other: int) -> Link:
    ends = [cast(Any, End(one)), cast(Any, End(other))]
    return Link(number, *ends, Shape("normal", 256, 4096), ())


def test_a_link_is_found_by_its_number_and_by_either_end_and_nobody_elses_is() -> None:
    links = Links()
    first, second = link(7, 1, 2), link(8, 3, 2)
    links.add(first)
    links.add(second)
    assert (links.get(7), links.get(9), 8 in links, list(links)) == (first, None, True, [first, second])
    assert [links.of(end) for end in (1, 2, 3, 4)] == [[first], [first, second], [second], []]


def test_a_link_that_is_dropped_leaves_nothing_and_is_dropped_once() -> None:
    links = Links()
    links.add(link(7, 1, 2))
    (first,) = links
    assert [links.drop(first), links.drop(first)] == [True, False]
    assert (links._all, links._of) == ({}, {})


def test_a_link_has_two_ends_and_no_third() -> None:
    one = link(7, 1, 2)
    assert [one.end(number) for number in (1, 2, 3)] == [one.sender, one.receiver, None]
