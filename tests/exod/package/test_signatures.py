"""D-Bus signatures."""

import pytest

from exod.package.signatures import count, is_signature, is_single


@pytest.mark.parametrize("text", ["", "s", "ybnqiuxtdsogv", "as", "a{sv}", "(ii)", "a(sa{s(ib)})", "aaaaaaaas"])
def test_signatures_are_signatures(text: str) -> None:
    assert is_signature(text)


@pytest.mark.parametrize(
    "text",
    [
        "h",
        "a",
        "(",
        ")",
        "()",
        "{sv}",
        "a{}",
        "a{s}",
        "a{svs}",
        "a{vs}",
        "a{(i)s}",
        "(i",
        "r",
        "a" * 9 + "s",
        "a{s",
        "a{",
    ],
)
def test_other_texts_are_no_signatures(text: str) -> None:
    assert not is_signature(text)


def test_complete_types_are_counted() -> None:
    assert [count(text) for text in ("", "s", "sa{sv}(ii)", "a")] == [0, 1, 3, None]
    assert [is_single(text) for text in ("a{sv}", "ss", "")] == [True, False, False]
