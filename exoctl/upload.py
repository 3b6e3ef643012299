"""A package on its way to exod: opened here, passed as a descriptor, read there. No path crosses the bus."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from exoctl import objects
from exoctl.faults import not_found, usage
from exoctl.jobs import submit
from exoctl.session import Session
from exod.errors import Outcome, Refusal, Refused


@contextmanager
def opened(path: str, *, verb: str) -> Iterator[int]:
    """The file, open for reading. O_NONBLOCK so that a FIFO cannot hold us before exod refuses it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError as error:
        sentence = f"cannot {verb} {path}: there is no such file"
        raise Refused(not_found("no-such-file", sentence, "exoctl package build DIR -o FILE")) from error
    except OSError as error:
        refusal = Refusal("unreadable-file", f"cannot {verb} {path}: {error.strerror}", outcome=Outcome.FAILED)
        raise Refused(refusal) from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Refused(usage(f"cannot {verb} {path}: that is not a regular file"))
        yield fd
    finally:
        os.close(fd)


def send(session: Session, path: str, *, verb: str, options: Mapping[str, Any]) -> None:
    """Load or Install with the package at `path`; dry, the steps exod would run with it."""
    with opened(path, verb=verb) as fd:
        if session.dry_run:
            (steps,) = objects.manager(session.bus, "PlanPackage", "sha{sv}", verb, 0, dict(options), fds=(fd,))
            session.plan([str(step) for step in steps])
            return
        member = verb.capitalize()
        submit(session, lambda bus: str(objects.manager(bus, member, "ha{sv}", 0, dict(options), fds=(fd,))[0]))
