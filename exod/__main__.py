"""`exod` (system bus, /etc/exod, /var/lib/exod, /run/exod) and `exod --dev DIR`."""

import argparse
import os
import sys
from pathlib import Path

from exod import dev
from exod import layout as layouts
from exod.errors import Outcome, Refusal


def main() -> int:
    """Runs the daemon in the foreground until SIGTERM; returns its exit code."""
    arguments = _parser().parse_args()
    if os.geteuid() != 0:
        return _refuse(
            Refusal("not-root", "cannot start exod: it needs root to build sandboxes", outcome=Outcome.FAILED)
        )
    if arguments.dev is None:
        layout = layouts.production()
    else:
        claimed = dev.claim(arguments.dev)
        if isinstance(claimed, Refusal):
            return _refuse(claimed)
        layout = claimed
        dev.start_bus(layout)
    # After the bus was started, so that both come up side by side. asyncio and hashlib take OpenSSL's wrappers if they
    # find them; we speak no TLS and cryptography brings its own OpenSSL: 8 ms of a start and 5 MB of a daemon.
    sys.modules["ssl"] = sys.modules["_hashlib"] = None  # type: ignore[assignment]
    import asyncio

    from exod.daemon import Daemon

    with asyncio.Runner() as runner:
        ended = runner.run(Daemon(layout, verbose=arguments.verbose).run())
    if layout.development:
        dev.stop_bus(layout)
    return 0 if ended is None else _refuse(ended)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="exod", description="The supervisor of signed, sandboxed plugins.")
    parser.add_argument("--dev", metavar="DIR", type=Path, help="run on a private bus with throw-away state in DIR")
    parser.add_argument("--verbose", action="store_true", help="log at debug level")
    return parser


def _refuse(refusal: Refusal) -> int:
    sys.stderr.write(f"exod: {refusal.sentence}\n")
    if refusal.hint:
        sys.stderr.write(f"  try: {refusal.hint}\n")
    return refusal.outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
