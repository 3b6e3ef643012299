"""`exod` (system bus, /etc/exod, /var/lib/exod, /run/exod) and `exod --dev DIR`."""

import argparse
import os
import signal
import sys
from pathlib import Path

from exod import dev
from exod import layout as layouts
from exod.errors import Outcome, Refusal
from exod.layout import ENDING, Layout


def main() -> int:
    """Runs the daemon in the foreground until SIGTERM; returns its exit code."""
    arguments = parser().parse_args()
    if os.geteuid() != 0:
        return _refuse(
            Refusal("not-root", "cannot start exod: it needs root to build sandboxes", outcome=Outcome.FAILED)
        )
    if arguments.dev is None:
        return _serve(layouts.production(), verbose=arguments.verbose)
    claimed = dev.claim(arguments.dev)
    if isinstance(claimed, Refusal):
        return _refuse(claimed)
    # Until the daemon listens for them: whoever asks us to end this early is not to be left with a bus.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    started = dev.start_bus(claimed.layout)
    if isinstance(started, Refusal):
        return _refuse(started)
    try:
        return _serve(claimed.layout, verbose=arguments.verbose)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        dev.stop_bus(claimed.layout, started=started)


def _serve(layout: Layout, *, verbose: bool) -> int:
    # Imported here, so that a private bus and we come up side by side. asyncio and hashlib take OpenSSL's wrappers if
    # they find them; we speak no TLS and cryptography brings its own OpenSSL: 8 ms of a start, 5 MB of a daemon.
    sys.modules["ssl"] = sys.modules["_hashlib"] = None  # type: ignore[assignment]
    import asyncio

    from exod.daemon import Daemon

    daemon = Daemon(layout, verbose=verbose)
    with asyncio.Runner() as runner:
        ended = runner.run(daemon.run())
    if daemon.again:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return 0 if ended is None else _refuse(ended)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="exod", description="The supervisor of signed, sandboxed plugins.")
    parser.add_argument("--dev", metavar="DIR", type=Path, help="run on a private bus with throw-away state in DIR")
    parser.add_argument("--verbose", action="store_true", help="log at debug level")
    return parser


def _refuse(refusal: Refusal) -> int:
    """Says it on stderr, a terminal perhaps: the sentence may quote what stands in a file."""
    from exod.logs import printable  # logging takes 10 ms to import

    sys.stderr.write(f"exod: {printable(refusal.sentence)}\n")
    if refusal.hint:
        sys.stderr.write(f"  try: {printable(refusal.hint)}\n")
    return refusal.outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
