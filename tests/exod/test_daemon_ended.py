"""A daemon that has to end, or cannot begin, for reasons of its own or of the bus; each in a child of its own."""

import subprocess
from pathlib import Path

import pytest

from exosdk.testing.daemon import Daemon
from tests.acceptance.residue import left
from tests.acceptance.workshop import Workshop
from tests.exod.running import run

pytestmark = pytest.mark.slow

SCRIPT = """
import asyncio, sys
from pathlib import Path
from exod import dev
from exod.daemon import Daemon

async def live(daemon):
    running = asyncio.create_task(daemon.run())
    serving = asyncio.create_task(daemon._serving.wait())
    await asyncio.wait((running, serving), return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        {meanwhile}
    serving.cancel()
    refusal = await running
    print(refusal.code, refusal.sentence)

if len(sys.argv) > 2:
    dev.POLICY = Path(sys.argv[2])
layout = dev.claim(Path(sys.argv[1])).layout
started = dev.start_bus(layout)
try:
    asyncio.run(live(Daemon(layout, verbose=True)))
finally:
    dev.stop_bus(layout, started=started)
"""
FAILS = """
        daemon._audit_degraded("the disk is full")
        print(daemon._supervisor.degraded["audit"])
        daemon._audit_degraded("")
        print("audit" in daemon._supervisor.degraded)
        daemon._failed(KeyError("x"))
"""


def lived(directory: Path, *arguments: str, meanwhile: str = "pass") -> subprocess.CompletedProcess[str]:
    done = run(SCRIPT.format(meanwhile=meanwhile.strip()), str(directory), *arguments)
    assert left(directory) == []
    return done


def test_what_nobody_foresaw_ends_it_loudly_and_leaves_nothing(tmp_path: Path) -> None:
    done = lived(tmp_path / "dev", meanwhile=FAILS)
    assert done.stdout.splitlines()[1:] == [
        "the disk is full",
        "False",
        "internal internal error: KeyError('x')",
    ], done.stderr
    log = (tmp_path / "dev/log/exod.log").read_text()
    assert "critical exod internal error | KeyError: 'x'" in log
    assert "error exod audit: the disk is full" in log


def test_one_that_fails_leaves_its_plugins_to_the_next_and_one_that_is_told_to_end_does_not(tmp_path: Path) -> None:
    directory = tmp_path / "dev"
    (tmp_path / "work").mkdir()
    with Daemon(directory) as daemon:
        shop = Workshop(daemon, tmp_path / "work")
        shop.key("vendor", scope="echo")
        daemon.exoctl("plugin", "load", str(shop.plugin("echo", key="vendor")))
        pid = daemon.exoctl("plugin", "info", "echo")["process_id"]
        daemon.kill()
        done = run(SCRIPT.format(meanwhile=FAILS.strip()), str(directory))
        assert done.stdout.endswith("internal internal error: KeyError('x')\n"), done.stderr
        assert Path(f"/proc/{pid}").exists()
        daemon.start()
        assert daemon.exoctl("plugin", "info", "echo")["process_id"] == pid
    assert left(directory) == []


def test_a_bus_that_does_not_let_it_own_its_name_is_said_with_the_remedy(tmp_path: Path) -> None:
    policy = tmp_path / "empty.conf"
    policy.write_text("<busconfig/>")
    done = lived(tmp_path / "dev", str(policy))
    assert done.stdout.startswith("bus-refused cannot own org.exoos.Exod1 on the bus: org.freedesktop.DBus.Error."), (
        done
    )
    assert "export" not in done.stdout
