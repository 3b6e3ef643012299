"""click's commands → what a shell has to know of them, and how it asks the bus for live names."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import click

from docs.man import commands
from exoctl.root import NOUNS, VERBS, cli
from exod.names import BUS_NAME, ROOT_PATH


class Kind(enum.Enum):
    """What may stand at a place, as far as a shell can tell."""

    FILES = "files"
    PLUGINS = "plugins"
    PACKAGES = "packages"
    """A file, or the name of a plugin."""
    JOBS = "jobs"
    ANCHORS = "anchors"
    """Names of files in trust.d."""
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Option:
    """`takes` is None for a flag; `choices` where only those are accepted."""

    names: tuple[str, ...]
    help: str
    takes: Kind | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verb:
    noun: str
    name: str
    help: str
    options: tuple[Option, ...]
    argument: Kind


TRUST = "/etc/exod/trust.d"
PATH = ROOT_PATH
ASK = (
    f"busctl --auto-start=no --timeout=1 %s call {BUS_NAME} {ROOT_PATH} "
    "org.freedesktop.DBus.ObjectManager GetManagedObjects 2>/dev/null"
)
"""busctl(1), with the address where the shell puts it. One call names every object."""

_KINDS = {
    "FILE": Kind.FILES,
    "DIR": Kind.FILES,
    "PUBLICFILE": Kind.FILES,
    "FILE|NAME": Kind.PACKAGES,
    "PLUGIN": Kind.PLUGINS,
    "N": Kind.JOBS,
    "NAME|KEYID": Kind.ANCHORS,
}
_LIVE_NOUNS = ("plugin", "registry")
"""There, NAME is a plugin's; elsewhere it is a new one."""
_HELP = Option(("-h", "--help"), "Show this message and exit.")


def verbs() -> list[Verb]:
    root = click.Context(cli, info_name="exoctl", **cli.context_settings)
    return [_verb(noun, context) for noun in NOUNS for _, context in commands.verbs(root, noun)]


def nouns() -> dict[str, str]:
    return {noun: first_sentence(words) for noun, words in (NOUNS | VERBS).items()}


def root_options() -> tuple[Option, ...]:
    return (*(_option(one, "") for one in cli.params if isinstance(one, click.Option)), _HELP)


def first_sentence(words: str) -> str:
    return " ".join(words.split()).split(". ")[0].rstrip(".")


def _verb(noun: str, context: click.Context) -> Verb:
    command = context.command
    options = tuple(_option(one, noun) for one in command.params if isinstance(one, click.Option))
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    argument = _kind(arguments[0].make_metavar(context), noun) if arguments else Kind.ANYTHING
    return Verb(noun, str(command.name), first_sentence(command.help or ""), (*options, _HELP), argument)


def _option(option: click.Option, noun: str) -> Option:
    choices: Sequence[str] = option.type.choices if isinstance(option.type, click.Choice) else ()
    takes = None if option.is_flag else _kind(option.metavar or "", noun)
    return Option((*option.opts, *option.secondary_opts), first_sentence(option.help or ""), takes, tuple(choices))


def _kind(metavar: str, noun: str) -> Kind:
    name = metavar.strip("[].")
    if name == "NAME":
        return Kind.PLUGINS if noun in _LIVE_NOUNS else Kind.ANYTHING
    return _KINDS.get(name, Kind.ANYTHING)
