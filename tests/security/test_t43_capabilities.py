"""THREATS 43: no Linux capability while plugin code can run, in any namespace, and no way to get one."""

from pathlib import Path

import pytest

from exod.linux import procfs
from tests.exod.sandbox.rig import Rig

NONE = "0" * 16


async def test_every_set_is_empty_in_the_instance(rig: Rig) -> None:
    peer = await rig.start()
    status = procfs.status(peer.pid)
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {NONE}
    peer.end.close()


@pytest.mark.parametrize(
    "attempt",
    ["os.setuid(0)", "os.setgid(0)", "os.setgroups([0])", "os.chroot('/')", "os.nice(-5)", "os.fork()"],
)
async def test_nothing_that_takes_a_capability_works(rig: Rig, attempt: str) -> None:
    peer = await rig.start()
    with peer.end:
        assert peer.ask(attempt).startswith("!")


async def test_the_zygote_has_no_capability_over_the_host(rig: Rig) -> None:
    (await rig.start()).end.close()
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    spaces, host = procfs.namespaces(zygote.pid), procfs.namespaces("self")
    assert all(spaces[kind] != host[kind] for kind in ("user", "mnt", "net", "ipc", "uts"))
    assert procfs.status(zygote.pid)["Uid"].split()[0] == str(zygote.block.first)
    maps = map_of(zygote.pid, "uid_map")
    assert "0" not in maps[1::3], "root of the host is mapped"


async def test_an_instance_maps_one_id_and_never_root(rig: Rig) -> None:
    peer = await rig.start()
    for name in ("uid_map", "gid_map"):
        inside, outside, count = (int(word) for word in map_of(peer.pid, name))
        assert (inside == outside, count, inside != 0) == (True, 1, True)
    peer.end.close()


def map_of(pid: int, name: str) -> list[str]:
    return Path(f"/proc/{pid}/{name}").read_text().split()
