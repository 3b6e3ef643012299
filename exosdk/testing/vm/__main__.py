"""`python -m exosdk.testing.vm SUITE [--deb FILE]… [-- COMMAND]`: makes what tests need, and runs a command in it."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from exosdk.testing.vm.house import House
from exosdk.testing.vm.machine import closing
from exosdk.testing.vm.unusable import Unusable


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m exosdk.testing.vm", description=__doc__)
    parser.add_argument("suite", help="bookworm or trixie")
    parser.add_argument("--deb", type=Path, action="append", default=[], help="installed in the image; may be repeated")
    parser.add_argument("--package", action="append", default=[], help="from the archive; may be repeated")
    parser.add_argument("--bare", action="store_true", help="the machine without the .deb files")
    parser.add_argument("command", nargs="*", help="run in a restored machine")
    chosen = parser.parse_intermixed_args(arguments)
    try:
        with House(chosen.suite, packages=chosen.package, debs=chosen.deb) as house:
            with closing(house.restored(bare=chosen.bare)) as machine:
                began = time.monotonic()
                done = machine.run(chosen.command or ["systemctl", "is-system-running"], check=False)
                sys.stderr.write(f"vm: command: {time.monotonic() - began:.1f} s\n")
                return done.code
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
