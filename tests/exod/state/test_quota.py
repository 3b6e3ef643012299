from exod.state import quota
from exod.state.quota import BURST, Quota


def test_a_few_are_admitted_and_the_rest_is_counted() -> None:
    book = Quota()
    assert [book.admits("strike", "plugin a") for _ in range(BURST + 5)] == [True] * BURST + [False] * 5
    assert book.settle() == [("strike", "plugin a", 5)]
    assert book.settle() == []


def test_one_floods_and_nobody_else_pays() -> None:
    book = Quota()
    for _ in range(BURST * 2):
        book.admits("strike", "plugin a")
    assert book.admits("strike", "plugin b")
    assert book.admits("refused", "plugin a")


def test_whoever_goes_on_has_one_record_an_interval_and_not_a_new_burst() -> None:
    book = Quota()
    for _ in range(BURST * 2):
        book.admits("strike", "plugin a")
    for _ in range(10):
        book.settle()
        assert [book.admits("strike", "plugin a") for _ in range(3)] == [True, False, False]


def test_whoever_stops_is_forgotten_in_the_end() -> None:
    book = Quota()
    for _ in range(BURST):
        book.admits("strike", "plugin a")
    for _ in range(BURST - 1):
        book.settle()
        assert book._left
    book.settle()
    assert not book._left


def test_a_crowd_shares_one_account_and_takes_no_memory() -> None:
    book = Quota()
    admitted = sum(book.admits("refused", f"uid {number}") for number in range(quota._CAUSES_MAX + 500))
    assert admitted == quota._CAUSES_MAX + BURST
    assert book.settle() == [("refused", "others", 500 - BURST)]
