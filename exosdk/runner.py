"""What the zygote and its children call: `warm` before the first fork, `main` after it, once all walls stand."""

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

from exosdk import hooks, wire
from exosdk.instance import Runner, separate_from_siblings
from exosdk.post import Post
from exosdk.rehearsal import rehearse
from exosdk.walls import report

CODE = "/plugin/code"
STATE = "/state"
_MANAGER = hooks.manager()
"""Made once, in the zygote: every instance inherits its pages."""


def warm() -> None:
    """For the zygote, before its first fork."""
    rehearse(_MANAGER, code=CODE)


def main(fd: int, instance: int, nonce: bytes, walls: Mapping[str, object]) -> NoReturn:
    """The life of an instance. Never returns."""
    status = 1
    try:
        separate_from_siblings()
        runner = Runner(Post(fd), manager=_MANAGER, code=CODE, state=STATE)
        status = runner.run(wire.Hello(instance, nonce, wire.OLDEST_PROTOCOL, wire.PROTOCOL, report(walls)))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _flush_output()
        os._exit(status)


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
