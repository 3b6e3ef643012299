from collections.abc import Mapping
from typing import Any

import pytest

from exoctl.codec import Variant
from exoctl.objects import plain, snake
from exod.errors import Refusal
from exod.names import BUS_NAME
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


@pytest.mark.parametrize(
    ("member", "name"),
    [("StateName", "state_name"), ("ProcessId", "process_id"), ("Id", "id"), ("ApiLevel", "api_level")],
)
def test_members_are_spelt_as_python_and_json_do(member: str, name: str) -> None:
    assert snake(member) == name


def test_variants_are_opened_at_every_depth() -> None:
    assert plain({"a": Variant("av", [Variant("s", "x"), Variant("ay", b"y")])}) == {"a": ["x", b"y"]}


def test_an_instance_that_ended_since_it_was_listed_uses_nothing(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.objects["/org/exoos/Exod1/instance/7"] = {f"{BUS_NAME}.Instance": {"Id": 7}}
    original = exod._properties

    def properties(path: str, interface: str) -> Mapping[str, Any]:
        if interface.endswith("Instance"):
            raise KeyError(path)
        return original(path, interface)

    exod._properties = properties  # type: ignore[method-assign]
    assert exoctl("--json", "plugin", "list").json[0]["memory"] == 0


def test_what_a_plugin_refuses_is_not_taken_for_its_absence(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.refuses("GetInfo", Refusal("busy", "cannot show hello: busy"))
    assert exoctl("--json", "plugin", "info", "hello").error["code"] == "busy"
