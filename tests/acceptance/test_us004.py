"""US-004's criteria and acceptance tests, by their ids, on a real daemon.

Figures (P1 to P5, T3, T4) are rows of the bench: here only that the row exists; a test never fails on a time.
"""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk.testing.daemon import CommandFailed
from tests.acceptance import forged, test_messages
from tests.acceptance.conftest import Host
from tests.acceptance.residue import traces
from tests.acceptance.workshop import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def echo(host: Host) -> Iterator[dict[str, Any]]:
    """echo, running; its descriptor."""
    host.daemon.exoctl("plugin", "load", str(host.packages["echo"]))
    yield host.daemon.exoctl("plugin", "info", "echo")
    if host.shop.state("echo") != "unloaded":
        host.daemon.exoctl("plugin", "unload", "echo")


def test_f1_plugins_come_and_go_without_a_restart(host: Host) -> None:
    before = host.daemon.pid
    for _ in range(3):
        host.daemon.exoctl("plugin", "load", str(host.packages["echo"]))
        host.daemon.exoctl("plugin", "unload", "echo")
    assert host.daemon.exoctl("daemon", "status")["state"] in ("running", "degraded")
    assert host.daemon.pid == before


def test_f2_and_t10_each_plugin_has_a_process_and_namespaces_of_its_own(host: Host, echo: dict[str, Any]) -> None:
    host.daemon.exoctl("plugin", "load", str(host.packages["hostpulse"]))
    other = host.daemon.exoctl("plugin", "info", "hostpulse")
    host_spaces, one, two = (namespaces(pid) for pid in ("self", echo["process_id"], other["process_id"]))
    host.daemon.exoctl("plugin", "unload", "hostpulse")
    assert not host_spaces & one
    assert not one & two
    assert len(one) == len(two) == 7


@pytest.mark.parametrize(
    "test",
    [
        "test_a_message_arrives_with_its_sender_type_and_priority",
        "test_a_request_is_answered_and_a_megabyte_arrives",
        "test_a_broadcast_goes_to_all_of_a_type",
        "test_what_is_published_comes_to_who_subscribed",
        "test_what_no_hook_takes_is_received",
        "test_the_supervisors_types_are_its_own",
    ],
)
def test_f3_and_t2_messages_have_a_suite_of_their_own(test: str) -> None:
    """tests/acceptance/test_messages.py, on a daemon of its own; there each is run."""
    assert hasattr(test_messages, test)


def test_f4_dependencies_are_named_and_a_missing_one_is_refused(host: Host, tmp_path: Path) -> None:
    needy = forged.copy_of(ROOT / "plugins/echo", tmp_path / "needy", version="1.5.0")
    edit(needy, "[config]", '[dependencies]\nnetcore = ">=1.2,<2"\n\n[config]')
    package = host.shop.package(needy, key="vendor")
    with pytest.raises(CommandFailed, match="netcore") as refused:
        host.daemon.exoctl("plugin", "load", str(package))
    assert refused.value.code == 3


def test_f5_state_and_use_are_seen_while_it_runs(host: Host, echo: dict[str, Any]) -> None:
    row = next(row for row in host.daemon.exoctl("plugin", "list") if row["name"] == "echo")
    assert row["state_name"] == "running"
    assert row["memory"] > 0


def test_f6_a_critical_plugin_is_restarted_after_a_crash(host: Host, tmp_path: Path) -> None:
    critical = forged.renamed(ROOT / "plugins/echo", tmp_path / "critical", name="copy-critical")
    edit(critical, "api = 1", "api = 1\ncritical = true")
    (host.daemon.directory / "etc/plugins.d/copy-critical.toml").write_text("critical = true\n")
    host.shop.reload()
    host.daemon.exoctl("plugin", "load", str(host.shop.package(critical, key="vendor")))
    first = host.daemon.exoctl("plugin", "info", "copy-critical")["process_id"]
    os.kill(first, signal.SIGKILL)
    second = host.shop.await_process("copy-critical", other_than=first)
    host.daemon.exoctl("plugin", "remove", "copy-critical", "--purge")
    assert second not in (0, first)


def test_f7_every_type_has_the_same_api(host: Host, tmp_path: Path) -> None:
    """A type other than echo's takes the same verbs; `package new` makes all seven (tests/exoctl)."""
    optimizer = forged.renamed(ROOT / "plugins/echo", tmp_path / "optimizer", name="copy-optimizer")
    edit(optimizer, 'type = "custom"', 'type = "system-optimizer"')
    host.daemon.exoctl("plugin", "load", str(host.shop.package(optimizer, key="vendor")))
    for verb in ("suspend", "resume", "stop", "start", "unload"):
        host.daemon.exoctl("plugin", verb, "copy-optimizer")
    found = host.daemon.exoctl("plugin", "list", "--type", "system-optimizer")
    host.daemon.exoctl("plugin", "remove", "copy-optimizer", "--purge")
    assert [row["name"] for row in found] == ["copy-optimizer"]


@pytest.mark.parametrize(
    "row",
    [
        "P1.load.p99",
        "P2.messages.round-trip.p50",
        "P2.messages.round-trip.p99",
        "P3.memory.idle-plugin",
        "P4.messages.each",
        "P5.operational.p99",
        "T3.loads-in-a-row",
    ],
)
def test_p1_to_p5_t3_and_t4_are_rows_of_the_bench(row: str) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "bench").glob("*.py"))
    assert f'"{row}' in sources


def test_s1_and_t9_an_unsigned_plugin_is_refused(host: Host, tmp_path: Path) -> None:
    unsigned = forged.without_signature(host.packages["echo"], tmp_path / "unsigned.exopkg")
    with pytest.raises(CommandFailed) as refused:
        host.daemon.exoctl("plugin", "load", str(unsigned))
    assert (refused.value.code, refused.value.error["code"]) == (3, "signature-missing")


def test_s2_and_t7_no_plugin_can_be_reached_from_another(echo: dict[str, Any]) -> None:
    """Its own pid namespace, no procfs, another uid, not dumpable: nothing to name and no right to look."""
    status = status_of(echo["process_id"])
    assert status["NSpid"].split()[-1] == "1"
    assert (status["CapEff"], status["Seccomp"]) == ("0" * 16, "2")
    secret = Path(f"/proc/{echo['process_id']}/environ").stat()
    assert secret.st_uid != int(status["Uid"].split()[0]), "a process that is not dumpable is not its user's to look at"


def test_s3_and_t8_what_was_not_asked_for_is_not_granted(host: Host, echo: dict[str, Any]) -> None:
    with pytest.raises(CommandFailed, match="does not ask for network") as refused:
        host.daemon.exoctl("registry", "check", "echo", "--capability", "network")
    assert refused.value.code == 3


def test_s3_a_permission_that_is_not_built_is_refused_by_name(host: Host, tmp_path: Path) -> None:
    wide = forged.copy_of(ROOT / "plugins/echo", tmp_path / "wide", version="1.9.0")
    edit(wide, "[config]", '[sandbox]\nhardware = ["usb:0403:6001"]\n\n[config]')
    host.shop.key("wide-vendor", scope="echo", allow=("all",))
    package = host.shop.package(wide, key="wide-vendor")
    with pytest.raises(CommandFailed, match="asks for hardware, which this exod cannot enforce yet"):
        host.daemon.exoctl("plugin", "load", str(package), "--consent")


def test_s4_every_load_verdict_and_refusal_is_in_the_audit(host: Host, echo: dict[str, Any]) -> None:
    events = {record["event"] for record in host.shop.audit()}
    assert {"verdict", "state", "job", "refused"} <= events


def test_s5_a_crash_leaves_nothing(host: Host) -> None:
    before = traces(host.daemon.directory)
    host.daemon.exoctl("plugin", "load", str(host.packages["hostpulse"]))
    pid = host.daemon.exoctl("plugin", "info", "hostpulse")["process_id"]
    os.kill(pid, signal.SIGKILL)
    host.shop.await_state("hostpulse", "error")
    host.daemon.exoctl("plugin", "unload", "hostpulse")
    after = traces(host.daemon.directory) - before
    assert [trace for trace in after if trace.kind in ("cgroup", "mount") or trace.what.startswith(f"{pid} ")] == []


def test_t1_after_load_the_state_is_loaded_then_it_unloads(host: Host) -> None:
    host.daemon.exoctl("plugin", "load", str(host.packages["echo"]), "--no-start")
    assert host.daemon.exoctl("plugin", "info", "echo")["state"] == 2
    host.daemon.exoctl("plugin", "unload", "echo")
    assert host.shop.state("echo") == "unloaded"


def test_t5_many_plugins_at_once(host: Host, tmp_path: Path) -> None:
    """Eight here; fifty in the bench."""
    names = [f"copy-{number}" for number in range(8)]
    for name in names:
        room = forged.renamed(ROOT / "plugins/echo", tmp_path / name, name=name)
        host.daemon.exoctl("plugin", "load", str(host.shop.package(room, key="vendor")))
    running = {row["name"] for row in host.daemon.exoctl("plugin", "list", "--state", "running")}
    for name in names:
        host.daemon.exoctl("plugin", "remove", name, "--purge")
    assert set(names) <= running


def test_t6_the_memory_limit_is_enforced(host: Host, echo: dict[str, Any], tmp_path: Path) -> None:
    """By the kernel where it has a controller for it, else by exod: the verdict is the same, and nobody else's."""
    room = forged.renamed(ROOT / "plugins/echo", tmp_path / "hog", name="copy-hog")
    code = room / "code/echo.py"
    code.write_text(
        code.read_text().replace("        answer = ", "        self.hoard = b'x' * (40 << 20)\n        answer = ", 1)
    )
    host.daemon.exoctl("plugin", "load", str(host.shop.package(room, key="vendor")))
    assert host.daemon.exoctl("plugin", "info", "copy-hog")["limits"]["memory"] == 32 << 20
    with contextlib.suppress(CommandFailed):  # its caller may still be answered, if exod has to find out by looking
        host.daemon.exoctl("plugin", "call", "copy-hog", "Echo", "more")
    host.shop.await_state("copy-hog", "error")
    fault = host.daemon.exoctl("plugin", "info", "copy-hog")["fault"]
    assert (fault["code"], fault["evidence"]["limit"]) == ("limit-exceeded", "memory")
    assert host.daemon.exoctl("plugin", "info", "echo")["process_id"] == echo["process_id"]
    host.daemon.exoctl("plugin", "remove", "copy-hog", "--purge")


def test_f5_what_every_plugin_uses_is_seen_while_it_runs(host: Host, echo: dict[str, Any]) -> None:
    [row] = [one for one in host.daemon.exoctl("top", "--once")["instances"] if one["instance"] == echo["id"]]
    assert 0 < row["memory"] < row["limits"]["memory"] == 32 << 20
    assert 0 < row["files"] < row["limits"]["files"]
    assert (row["plugin"], row["state"], row["tasks"], row["restarts"]) == ("echo", "running", 1, 0)


def test_security_static_analysis_runs_before_a_load(host: Host, tmp_path: Path) -> None:
    """Refused with file and line, in the audit, loaded by nobody; accepted when the administrator says so."""
    sly = forged.renamed(ROOT / "plugins/echo", tmp_path / "sly", name="copy-sly")
    with (sly / "code/echo.py").open("a") as code:
        code.write("\n\nif False:\n    exec(input())\n")
    line = len((sly / "code/echo.py").read_text().splitlines())
    package = host.shop.package(sly, key="vendor")
    with pytest.raises(CommandFailed, match=rf"the lint found code/echo\.py:{line} computed-code") as refused:
        host.daemon.exoctl("plugin", "load", str(package))
    assert (refused.value.code, refused.value.error["code"]) == (3, "lint-refused")
    assert host.shop.state("copy-sly") == "absent"
    assert any("lint-refused" in json.dumps(record) for record in host.shop.audit())
    (host.daemon.directory / "etc/plugins.d/copy-sly.toml").write_text('lint = "warn"\n')
    host.shop.reload()
    host.daemon.exoctl("plugin", "load", str(package))
    host.daemon.exoctl("plugin", "remove", "copy-sly", "--purge")


def edit(room: Path, old: str, new: str) -> None:
    """Changes a line of a room's manifest."""
    manifest = room / "package.toml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new, 1))


def namespaces(pid: int | str) -> set[int]:
    return {
        Path(f"/proc/{pid}/ns/{kind}").stat().st_ino for kind in ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup")
    }


def status_of(pid: int) -> dict[str, str]:
    lines = (line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: value.strip() for name, value in lines}
