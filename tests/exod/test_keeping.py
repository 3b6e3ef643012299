"""What `exod-keeper.service` does before it is the keeper, in forks: the kernel and a socket of ours for systemd's."""

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from exod import keeping
from exod.errors import Outcome, Refusal, Refused
from exod.layout import Layout
from exod.linux import procfs
from exod.sandbox import launcher
from exod.sandbox.groups import Groups, place
from tests.exod.sandbox.test_launcher import in_fork

UID = 2130000000 + os.getpid()


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Layout]:
    """Production's layout elsewhere, and a group of its own. Whatever runs in that is gone at the end."""
    for name in ("etc", "run"):
        (tmp_path / name).mkdir()
    made = Layout(tmp_path / "etc", tmp_path / "lib", tmp_path / "run", tmp_path / "log", "", development=False)
    (made.config / "exod.toml").write_text(f"keeper-uid = {UID}\n")
    yield made
    top = top_of(made)
    asyncio.run(Groups(top, keeper=UID).end(top))


def top_of(layout: Layout) -> Path:
    return place(directory=layout.run.parent)


def unit(layout: Layout) -> Path:
    """Its group as systemd delegates it: made, and with every file the keeper's."""
    top = top_of(layout)
    top.mkdir()
    for path in (top, *top.iterdir()):
        os.chown(path, UID, UID)
    return top


def test_settings_that_cannot_be_read_are_said_and_nothing_is_touched(
    ours: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    (ours.config / "exod.toml").write_text("keeper-id = 1\n")
    assert keeping.keep(ours, top=top_of(ours)) == Outcome.USAGE.exit_code
    assert capsys.readouterr().err == 'exod-keeper: cannot read settings: unknown key "keeper-id"\n'
    assert not top_of(ours).exists()


def test_a_host_without_groups_is_said(
    ours: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*, directory: Path | None) -> NoReturn:
        raise Refused(Refusal("no-cgroup-v2", "cannot build sandboxes: none", outcome=Outcome.FAILED))

    monkeypatch.setattr(keeping, "place", none)
    assert keeping.keep(ours, top=None) == Outcome.FAILED.exit_code
    assert capsys.readouterr().err == "exod-keeper: cannot build sandboxes: none\n"


def prepare(ours: Layout) -> bool:
    asyncio.run(keeping._prepare(Groups(top_of(ours), keeper=UID), uid=UID))
    return True


def test_a_renewal_takes_back_what_delegation_gave_away_once_more(
    ours: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = unit(ours)
    assert in_fork(lambda: prepare(ours)) == 0
    for name in (".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
        os.chown(top / name, UID, UID)
    (top / "cgroup.procs").chmod(0o644)
    renewed: list[int] = []
    monkeypatch.setattr(launcher, "replace_runtime", lambda sources, *, keeper: renewed.append(keeper))
    assert keeping.keep(ours, top=top_of(ours), renewed=7) == 0
    assert renewed == [7]
    assert [path.name for path in (top, *top.iterdir()) if path.stat().st_uid == UID] == []
    common = (top / "cgroup.procs").stat()
    assert (common.st_gid, common.st_mode & 0o777) == (UID, 0o664)


def test_the_tree_is_empty_and_roots_but_for_what_the_keeper_needs(ours: Layout) -> None:
    top = unit(ours)
    assert in_fork(lambda: prepare(ours)) == 0
    assert sorted(path.name for path in top.iterdir() if path.is_dir()) == ["core", "instances", "zygotes"]
    files = [path for path in top.rglob("*") if path.stat().st_uid == UID]
    assert sorted(str(path.relative_to(top)) for path in files) == ["zygotes/cgroup.kill", "zygotes/cgroup.procs"]
    common = (top / "cgroup.procs").stat()
    assert (common.st_uid, common.st_gid, common.st_mode & 0o777) == (0, UID, 0o664)


def test_the_process_that_prepares_it_is_in_the_keepers_group(ours: Layout) -> None:
    unit(ours)

    def work() -> bool:
        prepare(ours)
        return procfs.cgroup(os.getpid()).endswith("/core")

    assert in_fork(work) == 0


def test_what_an_earlier_keeper_left_running_is_ended(ours: Layout) -> None:
    top = unit(ours)
    left = []
    for group in ("zygotes", "instances", "instances/i-7"):
        (top / group).mkdir()
    for group in ("zygotes", "instances/i-7"):
        process = subprocess.Popen(["sleep", "infinity"])
        left.append(process)
        (top / group / "cgroup.procs").write_text(str(process.pid))
    assert in_fork(lambda: prepare(ours)) == 0
    assert [process.wait(timeout=10) for process in left] == [-9, -9]
    assert not (top / "instances/i-7").exists()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_only_when_connections_can_wait_and_no_privilege_is_left(
    ours: Layout, monkeypatch: pytest.MonkeyPatch, *, abstract: bool
) -> None:
    unit(ours)
    address = f"@exod-test-{os.getpid()}" if abstract else str(ours.run.parent / "notify")

    def execute(groups: str, *, listener: int) -> NoReturn:
        status = procfs.status(os.getpid())
        mine = [status[f"Cap{kind}"] for kind in ("Prm", "Eff", "Bnd")] == ["0" * 16] * 3
        listens = socket.socket(fileno=listener).getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        inside = os.listdir("/run") == ["exod"] and groups == str(top_of(ours))
        os._exit(0 if mine and listens and inside and os.getresuid() == (UID,) * 3 else 1)

    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setattr(launcher, "execute", execute)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind("\0" + address[1:] if abstract else address)
        assert in_fork(lambda: keeping.keep(ours, top=top_of(ours))) == 0
        assert systemd.recv(100) == b"READY=1\nSTATUS=keeping"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer, pytest.raises(ConnectionRefusedError):
        peer.connect(str(ours.run / "keeper.sock"))
