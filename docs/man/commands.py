"""The commands of exoctl, as click knows them → exoctl.1 and a page for each noun."""

from collections.abc import Iterator

import click

from docs.generate import WHEN
from docs.man import roff
from exoctl.root import NOUNS, VERBS, cli
from exoctl.verb import Verb
from exod.errors import Outcome

_ENVIRONMENT = {
    "EXOD_BUS_ADDRESS": "The bus to ask, where --address does not say; default the system bus.",
    "EXOD_DEV_DIR": "The directory of the `exod --dev` to work with: its keys and its trust are used.",
    "SOURCE_DATE_EPOCH": "The date of packages that are built or signed, so that the same files give the same bytes.",
}


def pages() -> dict[str, str]:
    root = click.Context(cli, info_name="exoctl", **cli.context_settings)
    nouns = {f"exoctl-{noun}.1": _noun(root, noun) for noun in NOUNS}
    return {"exoctl.1": _overview(root)} | nouns | {f"exoctl-{name}.1": _alone(root, name) for name in VERBS}


def verbs(root: click.Context, noun: str) -> Iterator[tuple[Verb, click.Context]]:
    """The commands of a noun, each with the context that says how it is called."""
    group = cli.get_command(root, noun)
    assert isinstance(group, click.Group)
    above = click.Context(group, info_name=noun, parent=root)
    for name in group.list_commands(above):
        verb = group.get_command(above, name)
        assert isinstance(verb, Verb)
        yield verb, click.Context(verb, info_name=name, parent=above)


def _overview(root: click.Context) -> str:
    every = NOUNS | VERBS
    seconds = [(f"exoctl-{name}", 1) for name in every]
    nouns = "".join(roff.item(f"exoctl {name}", help_) for name, help_ in every.items())
    codes = "".join(roff.item(str(one.exit_code), f"{WHEN[one]}.") for one in Outcome)
    parts = (
        roff.head("exoctl", 1, "steer exod, the plugin operating system"),
        roff.heading("Synopsis"),
        roff.example("exoctl [--json] [--address ADDRESS] NOUN VERB [OPTIONS] [ARGUMENTS]"),
        roff.heading("Description"),
        roff.paragraph("Speaks to exod over D-Bus. What changes something needs root, or polkit's consent."),
        nouns,
        roff.heading("Options"),
        _options(root),
        roff.heading("Exit status"),
        roff.item("0", "Done."),
        codes,
        roff.heading("Environment"),
        "".join(roff.item(name, words) for name, words in _ENVIRONMENT.items()),
        roff.see_also(("exod", 8), *seconds, ("exopkg", 7)),
    )
    return "".join(parts)


def _noun(root: click.Context, noun: str) -> str:
    found = list(verbs(root, noun))
    parts = (
        roff.head(f"exoctl-{noun}", 1, f"{NOUNS[noun][0].lower()}{NOUNS[noun][1:].rstrip('.')}"),
        roff.heading("Synopsis"),
        roff.example("\n".join(_call(verb, context) for verb, context in found)),
        roff.heading("Commands"),
        "".join(_verb(verb, context) for verb, context in found),
        roff.see_also(("exoctl", 1), ("exod", 8)),
    )
    return "".join(parts)


def _alone(root: click.Context, name: str) -> str:
    """The page of a verb without a noun."""
    verb, context = alone(root, name)
    parts = (
        roff.head(f"exoctl-{name}", 1, f"{VERBS[name][0].lower()}{VERBS[name][1:].rstrip('.')}"),
        roff.heading("Synopsis"),
        roff.example(_call(verb, context)),
        roff.heading("Description"),
        _verb(verb, context),
        roff.see_also(("exoctl", 1), ("exod", 8)),
    )
    return "".join(parts)


def alone(root: click.Context, name: str) -> tuple[Verb, click.Context]:
    verb = cli.get_command(root, name)
    assert isinstance(verb, Verb)
    return verb, click.Context(verb, info_name=name, parent=root)


def _call(verb: Verb, context: click.Context) -> str:
    return " ".join((context.command_path, *verb.collect_usage_pieces(context)))


def _verb(verb: Verb, context: click.Context) -> str:
    parts = (
        roff.subheading(_call(verb, context)),
        roff.paragraphs(verb.help or ""),
        _options(context),
        roff.paragraph("Example:"),
        roff.example(verb.example),
    )
    return "".join(parts)


def _options(context: click.Context) -> str:
    records = (one.get_help_record(context) for one in context.command.get_params(context))
    return "".join(roff.item(*record) for record in records if record and record[1])
