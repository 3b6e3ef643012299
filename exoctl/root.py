"""`exoctl` itself: the nouns, the verbs without one, and what may be said before either."""

from importlib import import_module

import click

from exoctl.verb import Noun, Shared
from exod.names import VERSION

NOUNS = {
    "plugin": "Plugins: load, start, stop, call, configure, list.",
    "package": "Packages: scaffold, build, sign, inspect, verify. Needs no daemon.",
    "key": "Keys: make, trust, revoke, list.",
    "job": "Jobs: list, watch, cancel.",
    "audit": "The audit log: show, follow, verify, export.",
    "registry": "The registry: find plugins, check dependencies.",
    "link": "Links between plugins: list, live counters.",
    "daemon": "The daemon: status, configuration, reload.",
}

VERBS = {
    "doctor": "Looks at what exod rests on, and says what this host lacks.",
    "top": "Shows what every running plugin uses of this host, live.",
}
"""What is about no noun: a file beside this one."""


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    click.echo(f"exoctl {VERSION}")
    ctx.exit()


class Root(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*NOUNS, *VERBS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in VERBS:
            command: click.Command = import_module(f"exoctl.{cmd_name}").command
            command.name, command.short_help = cmd_name, VERBS[cmd_name]
            return command
        if cmd_name not in NOUNS:
            return None
        return Noun(cmd_name, help=NOUNS[cmd_name], no_args_is_help=True)


@click.command(
    cls=Root,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  exoctl plugin list",
)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one value a line; errors too.")
@click.option("--address", metavar="ADDRESS", help="The bus to ask; default EXOD_BUS_ADDRESS, else the system bus.")
@click.option(
    "--version",
    is_flag=True,
    help="Show the version of exod that this belongs to.",
    is_eager=True,
    expose_value=False,
    callback=_version,
)
@click.pass_context
def cli(ctx: click.Context, *, as_json: bool, address: str | None) -> None:
    """Steers exod, the plugin operating system."""
    ctx.obj = Shared(json_mode=as_json, address=address)
