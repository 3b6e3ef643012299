"""The real polkitd, with rules and actions of our own, in a mount namespace of its own, on a bus of our own."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.exod.dbus.rig import Daemon

ACTIONS = Path(__file__).resolve().parents[3] / "etc/polkit"
POLKITD = "/usr/lib/polkit-1/polkitd"
GAMES, MAN, NEWS = 5, 6, 9
"""Debian's fixed uids: allowed all, refused all, and one whom polkit would ask to authenticate."""
RULES = """
polkit.addRule(function(action, subject) {
  if (action.id.indexOf("org.exoos.exod1.") == 0 || action.id.indexOf("org.exoos.hello.") == 0) {
    if (subject.user == "games") return polkit.Result.YES;
    if (subject.user == "man") return polkit.Result.NO;
  }
});
"""
# Ready when the name is owned: the bus itself says so, nobody polls.
_SCRIPT = """
set -e
mount --make-rprivate /
mount --bind "$1/rules" /etc/polkit-1/rules.d
mount --bind "$1/actions" /usr/share/polkit-1/actions
exec {polkitd} --no-debug >"$1/polkitd.log" 2>&1
"""


@contextlib.contextmanager
def polkitd(daemon: Daemon) -> Iterator[subprocess.Popen[bytes]]:
    """Runs until the end of the block; `await owned(…)` before asking it."""
    for name in ("rules", "actions"):
        (daemon.home / name).mkdir(mode=0o755, exist_ok=True)
    (daemon.home / "rules/10-test.rules").write_text(RULES)
    for action in ACTIONS.glob("*.policy"):
        (daemon.home / "actions" / action.name).write_bytes(action.read_bytes())
    environment = {"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": daemon.address}
    script = _SCRIPT.format(polkitd=POLKITD)
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(daemon.home)]
    process = subprocess.Popen(command, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
