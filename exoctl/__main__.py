"""`exoctl`: runs one verb and ends with the exit code of its outcome. The only place that exits."""

import os
import sys
from collections.abc import Sequence

import click

from exoctl.faults import failed
from exoctl.printer import Printer
from exoctl.root import cli
from exod.errors import Outcome, Refusal, Refused

INTERRUPTED = 130
"""128 + SIGINT, as shells have it: the outcome is not known, the job goes on."""


def run(argv: Sequence[str]) -> int:
    """One verb → exit code; whatever went wrong is printed in the form that was asked for."""
    printer = Printer(json_mode=_wants_json(argv))
    try:
        return _invoke(list(argv))
    except Refused as error:
        refusal = error.refusal
    except click.exceptions.NoArgsIsHelpError as error:
        refusal = _no_command(error, printer)
    except click.UsageError as error:
        refusal = _usage(error)
    except click.ClickException as error:
        refusal = Refusal("failed", error.format_message(), outcome=Outcome.FAILED)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OSError as error:  # of stdout: what is read and written elsewhere is refused by name
        return _unheard(error)
    except Exception as error:  # the last resort: a bug of ours, said in the form that was asked for
        refusal = Refusal("internal-error", f"internal error: {type(error).__name__}: {error}", outcome=Outcome.FAILED)
    try:
        printer.refusal(refusal)
    except OSError as error:
        _unheard(error)
    return refusal.outcome.exit_code


def _unheard(error: OSError) -> int:
    """A reader that went away is no error to speak of; a full disk is one, and said on stderr in either form."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)  # Python would complain once more when it flushes at exit
    try:
        if not isinstance(error, BrokenPipeError):
            Printer(json_mode=False).refusal(failed("unwritable-output", f"cannot write the answer: {error.strerror}"))
        sys.stderr.flush()
    except OSError:
        os.dup2(silent, 2)
    return Outcome.FAILED.exit_code


def _invoke(argv: list[str]) -> int:
    try:
        with cli.make_context("exoctl", argv) as context:
            cli.invoke(context)
    except click.exceptions.Exit as error:
        return error.exit_code
    return 0


def _wants_json(argv: Sequence[str]) -> bool:
    """Known before anything is parsed, so that a mistake in the arguments is JSON too."""
    words = list(argv)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _usage(error: click.UsageError) -> Refusal:
    command = error.ctx.command_path if error.ctx is not None else "exoctl"
    reason = error.format_message().rstrip(".")
    return Refusal("usage", f"cannot run {command}: {reason}", f"{command} --help", outcome=Outcome.USAGE)


def _no_command(error: click.exceptions.NoArgsIsHelpError, printer: Printer) -> Refusal:
    if not printer.json_mode:
        printer.text(error.format_message())
    command = error.ctx.command_path if error.ctx is not None else "exoctl"
    return Refusal("usage", f"cannot run {command}: what should it do?", f"{command} --help", outcome=Outcome.USAGE)


def main() -> None:
    for name in ("stdout", "stderr"):  # None where the shell closed them, as `>&-` does
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
