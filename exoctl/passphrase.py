"""The passphrase of a private key: from a descriptor, a file that is ours alone, or a person. Never stored.

In JSON mode, or without a terminal, nobody is asked.
"""

import os
from collections.abc import Callable
from typing import Any

import click

from exoctl.faults import usage
from exoctl.files import read_secret
from exoctl.session import Session
from exod.errors import Refused

_MAX = 4096
_MIN = 8


def options(run: Callable[..., Any]) -> Callable[..., Any]:
    """`--passphrase-file` and `--passphrase-fd`, for verbs that open or make a private key."""
    run = click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from descriptor N.")(run)
    return click.option("--passphrase-file", metavar="FILE", help="Read it from FILE, which only you may read.")(run)


def obtain(session: Session, *, file: str | None, fd: int | None, new: bool = False) -> bytes:
    if file is not None and fd is not None:
        raise Refused(usage("cannot read the passphrase: say --passphrase-file or --passphrase-fd, not both"))
    if fd is not None:
        words = _from_descriptor(fd)
    elif file is not None:
        words = read_secret(file, verb="read the passphrase in", limit=_MAX)
    else:
        words = _asked(session, new=new)
    words = words.rstrip(b"\r\n")
    if not words or (new and len(words) < _MIN):
        raise Refused(usage(f"cannot use that passphrase: it is shorter than {_MIN if new else 1} bytes"))
    return words


def _from_descriptor(fd: int) -> bytes:
    try:
        return os.read(fd, _MAX)
    except OSError as error:
        raise Refused(usage(f"cannot read the passphrase from descriptor {fd}: {error.strerror}")) from error


def _asked(session: Session, *, new: bool) -> bytes:
    if not session.may_ask:
        hint = "say --passphrase-file FILE or --passphrase-fd N"
        raise Refused(usage("cannot ask for the key's passphrase: nobody is there to answer", hint))
    word: str = click.prompt("passphrase of the key", hide_input=True, confirmation_prompt=new, err=True)
    return word.encode()
