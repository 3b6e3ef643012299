"""Names, and the paths they become on the bus."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exod import names

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,6}){0,4}", fullmatch=True)


@given(NAMES)
def test_a_name_comes_back_from_its_path(name: str) -> None:
    assert names.is_name(name)
    assert names.path_element(name).replace("_", "-") == name
    assert re.fullmatch(r"[A-Za-z0-9_]+", names.path_element(name))


@pytest.mark.parametrize(
    "text",
    ["", "Hello", "9lives", "-a", "a-", "a--b", "a_b", "a.b", "a/b", "a b", "é", "a\n", "a\0", "a" * 64, "x" * 10**6],
    ids=range(15),
)
def test_what_is_no_name(text: str) -> None:
    assert not names.is_name(text)


def test_the_longest_name_has_63_characters() -> None:
    assert names.is_name("a" * 63)


def test_every_object_has_a_path_of_its_own() -> None:
    paths = [
        names.plugin_path("web-cache"),
        names.instance_path(7),
        names.job_path(7),
        names.service_path("web-cache", "fast-lane"),
    ]
    assert paths == [
        "/org/exoos/Exod1/plugin/web_cache",
        "/org/exoos/Exod1/instance/7",
        "/org/exoos/Exod1/job/7",
        "/org/exoos/Exod1/service/web_cache/fast_lane",
    ]


def test_the_number_of_a_type_on_the_wire_is_its_place() -> None:
    assert names.PLUGIN_TYPES.index("ai-model") == 0
    assert names.PLUGIN_TYPES.index("custom") == 6
    assert len(names.PLUGIN_TYPES) == 7
