"""The keeper's process: how it is started, and how it starts itself again."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from exod.sandbox import keeper_main
from exod.sandbox.table import Table, load
from tests.exod.sandbox.rig import Rig, keeper_pid

ROOT = Path(__file__).resolve().parents[3]


def test_the_interpreter_is_isolated_and_sees_only_the_code_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "asked.py").write_text("import sys\ndef main(): sys.stdout.write(repr((sys.path, sys.argv[1:])))\n")
    command = keeper_main.command(str(tmp_path), "asked", "one", "two")
    environment = {"PYTHONPATH": "/elsewhere", "PYTHONSTARTUP": "/elsewhere"}
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True)
    path, arguments = eval(done.stdout)
    assert arguments == ["one", "two"]
    assert path[-1] == str(tmp_path)
    assert not any("site-packages" in entry or "dist-packages" in entry or entry in ("", "/") for entry in path)
    assert command[0] == os.path.realpath(sys.executable)


class Image(Exception):
    """What would have been executed."""


def test_a_re_execution_carries_the_table_and_lets_its_descriptors_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = os.open(os.devnull, os.O_RDONLY)
    made: dict[str, Callable[..., object]] = {}

    def execute(path: str, arguments: list[str], environment: dict[str, str]) -> None:
        assert environment == {}
        assert os.get_inheritable(kept)
        assert arguments[-2] == "resume"
        assert load(int(arguments[-1])).listener == kept
        raise Image

    class Quiet:
        def __init__(self, table: Table, **how: Callable[..., object]) -> None:
            made.update(how)
            assert table.listener == kept

        def heed(self, alarm: int) -> None:
            os.close(alarm)

        def run(self) -> None:
            made["reexecute"](Table(listener=kept))

    monkeypatch.setattr(keeper_main, "Keeper", Quiet)
    monkeypatch.setattr(keeper_main, "signal", Mock(set_wakeup_fd=os.close))
    monkeypatch.setattr(os, "execve", execute)
    monkeypatch.setattr(sys, "argv", ["keeper", str(tmp_path), str(tmp_path), "listen", str(kept)])
    with pytest.raises(Image):
        keeper_main.main()
    os.close(kept)


def test_a_zygote_that_cannot_enter_its_group_is_not_started(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os.closerange(0, 3)
        keeper_main._become_zygote(5, code=str(tmp_path), groups=str(tmp_path / "none"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 127


async def test_a_zygote_is_in_its_group_with_one_socket_and_no_environment(rig: Rig) -> None:
    nursery = rig.host._open().nursery
    zygote = await nursery.generation(("a", "l"), uid=rig.host.next_uid(signer="a", level="l"))
    assert _text(zygote.pid, "cgroup").strip().endswith("/zygotes")
    assert _text(zygote.pid, "environ").strip("\0") in ("", "LC_CTYPE=C.UTF-8")
    links = [os.readlink(f"/proc/{zygote.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{zygote.pid}/fd")]
    assert sum(link.startswith("socket:") for link in links) == 1
    assert not [link for link in links if link.startswith("anon_inode")]


async def test_a_keeper_that_was_executed_again_keeps_its_children_and_its_socket(rig: Rig) -> None:
    (await rig.start()).end.close()
    await rig.settled()
    lease = rig.host._open().lease
    before = (await lease.stat()).nonce
    for _ in range(3):
        os.kill(keeper_pid(rig), signal.SIGHUP)
    assert (await lease.stat()).nonce == before
    assert os.kill(keeper_pid(rig), signal.SIGCONT) is None


def _text(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()
