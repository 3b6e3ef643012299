"""The keeper that `exod --dev` starts: its socket, its session, its privileges."""

import os
import stat

from exod.linux import procfs
from tests.exod.sandbox.rig import LIMITS, Rig, keeper_pid


async def test_only_root_can_connect_to_the_socket(rig: Rig) -> None:
    assert stat.S_IMODE(os.stat(rig.directory / "run/keeper.sock").st_mode) == 0o600


async def test_the_keeper_has_no_privilege_and_cannot_get_any(rig: Rig) -> None:
    status = procfs.status(keeper_pid(rig))
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(LIMITS.keeper_uid)}
    assert status["Groups"] == ""
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


async def test_the_keeper_is_out_of_reach_of_exods_terminal(rig: Rig) -> None:
    assert os.getsid(keeper_pid(rig)) == keeper_pid(rig) != os.getsid(0)


async def test_the_keeper_inherits_nothing(rig: Rig) -> None:
    await rig.host._open().lease.stat()
    environment = open_bytes(f"/proc/{keeper_pid(rig)}/environ")
    assert environment.removesuffix(b"\0") in (b"", b"LC_CTYPE=C.UTF-8")
    links = [os.readlink(f"/proc/{keeper_pid(rig)}/fd/{fd}") for fd in os.listdir(f"/proc/{keeper_pid(rig)}/fd")]
    strange = [
        link
        for link in links
        if not link.startswith(("socket:", "pipe:", "/dev/null", "anon_inode:", str(rig.directory)))
    ]
    assert strange == []


async def test_the_keeper_lives_in_its_own_group_and_mounts(rig: Rig) -> None:
    pid = keeper_pid(rig)
    assert procfs.cgroup(pid).endswith("/core")
    assert procfs.namespace(pid, "mnt") != procfs.namespace("self", "mnt")
    assert os.listdir(f"/proc/{pid}/root/run") == ["exod"]


def open_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
