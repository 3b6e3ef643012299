import click
import pytest

from exoctl.root import cli
from exoctl.verb import Noun, Verb


def test_a_verb_that_python_keeps_for_itself_is_found_under_its_own_name() -> None:
    noun = Noun("key")
    command = noun.get_command(click.Context(noun), "import")
    assert command is not None
    assert command.name == "import"
    assert "import" in noun.list_commands(click.Context(noun))


@pytest.mark.parametrize("name", ["import_", "__init__", "../root", "check_config", ""])
def test_only_verbs_are_found(name: str) -> None:
    for noun in ("key", "daemon"):
        assert Noun(noun).get_command(click.Context(cli), name) is None


def test_a_verbs_own_options_come_before_those_of_all() -> None:
    command = Noun("plugin").get_command(click.Context(cli), "load")
    assert isinstance(command, Verb)
    names = [parameter.name for parameter in command.params]
    assert names[0] == "what"
    assert names[-2:] == ["as_json", "address"]
    assert (command.writes, command.job) == (True, True)
