import pytest

from exoctl.codec import Variant
from exoctl.objects import plain, snake
from exod.errors import Refusal
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


def test_what_a_plugin_refuses_is_not_taken_for_its_absence(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.refuses("GetInfo", Refusal("busy", "cannot show hello: busy"))
    assert exoctl("--json", "plugin", "info", "hello").error["code"] == "busy"
