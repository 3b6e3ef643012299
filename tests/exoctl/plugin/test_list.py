import pytest

from exod.names import BUS_NAME, ROOT_PATH
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

USAGE = {"Memory": 3 << 20}


def test_the_list_is_a_table_with_the_state_as_a_word(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.has_plugin("asleep", StateName="unloaded", State=0, Instance="/", ProcessId=0)
    exod.objects[f"{ROOT_PATH}/instance/7"] = {f"{BUS_NAME}.Instance": USAGE}
    head, asleep, hello = exoctl("plugin", "list").out.splitlines()
    assert head.split() == ["NAME", "VERSION", "STATE", "PID", "MEMORY", "SIGNER", "TRUST", "TYPE"]
    assert asleep.split()[:5] == ["asleep", "1.0.0", "unloaded", "-", "-"]
    assert hello.split()[:6] == ["hello", "1.0.0", "running", "4711", "3.0", "MiB"]


def test_json_is_one_list_with_snake_case_names(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    (row,) = exoctl("--json", "plugin", "list").json
    assert (row["name"], row["state_name"], row["process_id"], row["memory"]) == ("hello", "running", 4711, 0)


def test_type_and_state_narrow_the_list(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    assert exoctl("plugin", "list", "--json", "--type", "ai-model").json == []
    assert exoctl("plugin", "list", "--json", "--state", "error").json == []
    assert len(exoctl("plugin", "list", "--json", "--type", "custom", "--state", "running").json) == 1


@pytest.mark.parametrize("words", [("--state", "foo"), ("--type", "foo")])
def test_a_word_that_no_plugin_could_have_is_a_mistake(exod: FakeExod, exoctl: Exoctl, words: tuple[str, str]) -> None:
    assert exoctl("--json", "plugin", "list", *words).code == 2


def test_an_empty_list_says_what_to_do(exod: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("plugin", "list").out == "no plugins; load one with: exoctl plugin load FILE\n"
