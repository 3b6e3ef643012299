"""The pages of the doctor and of the lint have the tables that their checks and rules make."""

import pytest

from docs import tables


@pytest.mark.parametrize("page", tables.TABLES)
def test_the_page_has_todays_table(page: str) -> None:
    assert tables.written(page) == (tables.SYSTEMS / page).read_text(), "run python -m docs.tables"
