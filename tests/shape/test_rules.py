"""The lint's page has the table that the rules make."""

from docs import rules


def test_the_page_has_todays_table() -> None:
    page = rules.PAGE.read_text()
    assert rules.written(page) == page, "run python -m docs.rules"
