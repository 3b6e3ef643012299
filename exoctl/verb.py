"""A noun is a directory, a verb is a file in it; only the file of the verb that runs is imported.

`@verb(...)` turns a function of (session, arguments…) into the command of its file, with the options that all verbs
share: `--json`, `--address`; `--dry-run` if it writes; `--no-wait` if it starts a job; `--timeout` if it waits.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from exoctl.printer import Printer
from exoctl.session import Session

_HERE = os.path.dirname(__file__)
_SHARED = frozenset({"dry_run", "no_wait", "timeout", "as_json", "address"})
"""Shown after a verb's own options."""


@dataclass(slots=True)
class Shared:
    """What was said before the noun: `exoctl --json plugin list`."""

    json_mode: bool = False
    address: str | None = None


class Verb(click.Command):
    """A command that knows its example, and whether it changes anything."""

    def __init__(self, *args: Any, example: str = "", writes: bool = False, job: bool = False, **kwargs: Any) -> None:
        kwargs["epilog"] = f"\b\nExample:\n  {example}"
        super().__init__(*args, **kwargs)
        self.example = example
        self.writes = writes
        self.job = job


class Noun(click.Group):
    """The verbs of one directory."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        files = os.listdir(os.path.join(_HERE, str(self.name)))
        return sorted(_said(name) for name in files if name.endswith(".py") and name[0] != "_")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
        command: click.Command = import_module(f"exoctl.{self.name}.{module}").command
        command.name = cmd_name
        return command


def _said(file: str) -> str:
    """`check_config.py` is `check-config`; what Python keeps for itself has a `_` more: `import_.py`."""
    return file.removesuffix(".py").rstrip("_").replace("_", "-")


def verb(
    *, example: str, writes: bool = False, job: bool = False, waits: bool = False
) -> Callable[[Callable[..., None]], Verb]:
    def wrap(run: Callable[..., None]) -> Verb:
        @functools.wraps(run)
        def callback(
            *,
            as_json: bool,
            address: str | None,
            dry_run: bool = False,
            no_wait: bool = False,
            timeout: float | None = None,
            **arguments: Any,
        ) -> None:
            shared = click.get_current_context().find_object(Shared) or Shared()
            printer = Printer(json_mode=as_json or shared.json_mode)
            address = address or shared.address
            with Session(printer, address=address, dry_run=dry_run, wait=not no_wait, timeout=timeout) as session:
                run(session, **arguments)

        decorated = _share_options(callback, writes=writes or job, job=job, waits=waits or job)
        command = click.command(cls=Verb, example=example, writes=writes or job, job=job)(decorated)
        command.params.sort(key=lambda parameter: parameter.name in _SHARED)
        return command

    return wrap


def _share_options(run: Any, *, writes: bool, job: bool, waits: bool) -> Any:
    run = click.option("--address", metavar="ADDRESS", help="The bus to ask, such as unix:path=/run/x/bus.")(run)
    run = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one value a line; errors too.")(run)
    if waits:
        seconds = click.FloatRange(min=0)
        run = click.option("--timeout", type=seconds, metavar="SECONDS", help="Wait no longer than that.")(run)
    if job:
        run = click.option("--no-wait", is_flag=True, help="Return as soon as exod has accepted the job.")(run)
    if writes:
        run = click.option("--dry-run", is_flag=True, help="Print the steps that would run; change nothing.")(run)
    return run
