"""The daemon's own objects are bound to the shipped XML when they are made."""

import pytest

from exod.dbus.facet import OwnFacet, snake
from exod.dbus.failures import Standard


@pytest.mark.parametrize(
    ("member", "name"),
    [("Load", "load"), ("ProcessId", "process_id"), ("ListByType", "list_by_type"), ("ApiLevel", "api_level")],
)
def test_members_have_the_name_of_a_function(member: str, name: str) -> None:
    assert snake(member) == name


def test_a_method_that_nobody_wrote_is_found_at_once() -> None:
    class Half(OwnFacet):
        name = "org.exoos.Exod1.Job"

    with pytest.raises(AttributeError, match="cancel"):
        Half({}, 1)


def test_an_object_without_a_view_is_gone_and_nothing_of_it_is_written() -> None:
    class Empty(OwnFacet):
        name = "org.exoos.Exod1.Instance"

    with pytest.raises(Standard, match="gone"):
        Empty({}, 1).snapshot()
    with pytest.raises(Standard, match="cannot be written"):
        Empty({}, 1).set(None, "Id", 1)  # type: ignore[arg-type]
    assert Empty({}, 1).details("Load") == {"verb": "load", "plugin": ""}
