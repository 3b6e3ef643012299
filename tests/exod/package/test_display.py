"""Text for people shows what it is."""

import pytest

from exod.package.display import fault


@pytest.mark.parametrize("text", ["", "Says hello", "Grüße aus Köln", "Привет мир", "日本語の説明", "café – naïve"])
def test_plain_text_of_any_script_is_fine(text: str) -> None:
    assert fault(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "a\x00b",
        "\x1b[31mred",
        "a\x7f",
        "a\x85b",
        "safe\u202egnp.exe",
        "a\u2066b\u2069",
        "zero\u200bwidth",
        "a\u2028b",
        "\ue000",
        "\U0001ffff",
        "\ufeffbom",
        "\uff48\uff45\uff4c\uff4c\uff4f",
        "\U0001d421ello",
        "p\u0430ypal",
        "\u0391pple",
        "a\u0301",
    ],
)
def test_text_that_hides_or_imitates_is_not(text: str) -> None:
    assert fault(text)


def test_line_feeds_pass_only_where_lines_are_asked_for() -> None:
    assert fault("one\ntwo", lines=True) == ""
    assert fault("one\r\ntwo", lines=True)
    assert fault("Grüße\nKöln", lines=True) == ""
