"""The doctor's page has the table that the checks make."""

from docs import checks


def test_the_page_has_todays_table() -> None:
    page = checks.PAGE.read_text()
    assert checks.written(page) == page, "run python -m docs.checks"
