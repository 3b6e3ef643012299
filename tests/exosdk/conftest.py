"""Messages of plugins: a post office for each test, and two of its plugins."""

from collections.abc import Iterator

import pytest

from tests.exosdk import post_office


@pytest.fixture
def office() -> Iterator[post_office.Office]:
    with post_office.office() as made:
        yield made


@pytest.fixture
def ada(office: post_office.Office) -> post_office.Plugin:
    return office.plugin("ada")


@pytest.fixture
def bob(office: post_office.Office) -> post_office.Plugin:
    return office.plugin("bob")
