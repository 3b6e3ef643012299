"""From a launch to an instance and back, with a real keeper, zygote and kernel."""

import dataclasses
import os
import signal
import socket
from pathlib import Path

import pytest

from exod.brokers.doctor import residue
from exod.errors import Refused
from exod.linux import cgroupfs, procfs
from exod.sandbox import host
from exod.sandbox.frames import Frame, Op
from exod.sandbox.host import Host
from exod.settings import Settings
from exod.supervisor.ports import Exit
from tests.exod.sandbox.rig import LIMITS, Peer, Rig, keeper_pid


async def until_exit(rig: Rig) -> None:
    await rig.until(lambda: rig.exits)


async def test_an_instance_is_born_with_its_own_uid_root_and_nonce(rig: Rig) -> None:
    launch = rig.launch(7)
    await rig.host.prepare(launch)
    born = await rig.host.spawn(launch)
    with born.end as end:
        assert isinstance(end, socket.socket)
        assert end.getblocking()
        hello = Peer(7, born.pid, end, {}).end.recv(65536)
        assert launch.nonce.hex().encode() in hello
        assert b'"instance": 7' in hello
    assert procfs.status(born.pid)["Uid"].split()[0] == str(launch.uid)
    assert born.cgroup == cgroupfs.identity(rig.group / "instances/i-7")


async def test_the_walls_stand_when_seen_from_inside(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        walls = peer.hello["walls"]
    assert walls["seccomp"] == "2"
    assert walls["no_new_privileges"] == "1"
    assert walls["capabilities"] == "0" * 16
    assert walls["dumpable"] == walls["groups"] == "0"
    assert walls["pid"] == "1"
    denials = {key: walls[key] for key in ("executable_memory", "socket", "host_file", "sealed_code", "unknown_call")}
    assert denials == {
        "executable_memory": "EPERM",
        "socket": "EPERM",
        "host_file": "ENOENT",
        "sealed_code": "EROFS",
        "unknown_call": "ENOSYS",
    }


async def test_the_walls_stand_when_seen_from_outside(rig: Rig) -> None:
    peer = await rig.start()
    found = await rig.host.inspect(1)
    peer.end.close()
    host = procfs.namespaces("self")
    assert all(found[f"ns_{kind}"] != str(number) for kind, number in host.items())
    assert found["seccomp"] == "2"
    assert found["capabilities"] == "0" * 16


async def test_the_root_holds_the_package_and_the_runtime_and_nothing_of_the_host(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert peer.ask("sorted(os.listdir('/'))") == "['plugin', 'run', 'tmp', 'usr']"
        assert peer.ask("sorted(os.listdir('/run/exod/sdk'))") == "['exosdk', 'msgspec', 'pluggy']"
        assert peer.ask("os.listdir('/usr'), os.listdir('/usr/lib')") == "(['lib'], ['python3.11'])"
        assert peer.ask("open('/plugin/code/hello.py').read()") == repr("GREETING = 'hello'\n")


async def test_no_two_instances_share_a_uid_or_a_namespace(rig: Rig) -> None:
    first, second = await rig.start(1), await rig.start(2)
    first.end.close()
    second.end.close()
    one, two = procfs.namespaces(first.pid), procfs.namespaces(second.pid)
    assert all(one[kind] != two[kind] for kind in procfs.NAMESPACES)
    assert procfs.status(first.pid)["Uid"] != procfs.status(second.pid)["Uid"]


async def test_the_true_end_is_told_once(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        peer.end.send(b"os._exit(7)")
        await until_exit(rig)
    assert rig.exits == [Exit(1, "exited", 7)]
    await rig.host.discard(1)
    assert len(rig.exits) == 1


async def test_an_instance_that_is_killed_ends_by_that_signal(rig: Rig) -> None:
    peer = await rig.start()
    peer.end.close()
    os.kill(peer.pid, signal.SIGKILL)
    await until_exit(rig)
    assert rig.exits == [Exit(1, "signal", signal.SIGKILL)]


async def test_discard_ends_what_runs_and_says_that_it_was_us(rig: Rig) -> None:
    peer = await rig.start()
    peer.end.close()
    await rig.host.discard(1)
    assert rig.exits == [Exit(1, "ended", signal.SIGKILL)]
    assert not (rig.group / "instances/i-1").exists()


@pytest.mark.parametrize("done", ["nothing", "prepared", "spawned"])
async def test_discard_takes_back_any_part_of_a_start_twice(rig: Rig, done: str) -> None:
    await settle(rig)
    before = residue.look(rig.scope())
    launch = rig.launch(5)
    if done != "nothing":
        await rig.host.prepare(launch)
    if done == "spawned":
        (await rig.host.spawn(launch)).end.close()
    await rig.host.discard(5)
    await rig.host.discard(5)
    assert {trace for trace in residue.look(rig.scope()) - before if trace.kind != "descriptor"} == set()
    frame = await rig.host._ward.lease.stat()  # type: ignore[union-attr]
    assert frame.nonce[:8] == bytes(8), "the keeper still knows an instance or an exit"


async def settle(rig: Rig) -> None:
    """After a first start and its end: a generation, and a spare that is warm."""
    (await rig.start(999)).end.close()
    await rig.host.discard(999)
    await rig.settled()


async def test_a_frozen_instance_uses_no_time_until_it_is_thawed(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        await rig.host.freeze(1, frozen=True)
        peer.end.send(b"1 + 1")
        assert cgroupfs.events(rig.group / "instances/i-1")["frozen"] == 1
        with pytest.raises(BlockingIOError):
            peer.end.recv(10, socket.MSG_DONTWAIT)
        await rig.host.freeze(1, frozen=False)
        assert peer.end.recv(10) == b"2"


async def test_the_kernel_holds_what_this_host_has_controllers_for(rig: Rig) -> None:
    (await rig.start()).end.close()
    group = rig.host.group(1)
    files = {"memory": "memory.max", "tasks": "pids.max", "cpu": "cpu.max", "io": "io.max"}
    held = {limit for limit, file in files.items() if (group / file).exists() and (group / file).read_text().strip()}
    assert held - {"io"} == rig.kernel.held - {"io"}
    assert ("memory" in held) == ("limits" not in rig.kernel.lacks or "memory" not in rig.kernel.lacks["limits"])


@pytest.mark.parametrize("ending", [False, True])
async def test_one_that_starved_is_told_apart_from_one_that_was_killed(
    rig: Rig, ending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await rig.start()
    peer.end.close()
    monkeypatch.setattr(rig.kernel, "starved", lambda group: group.name == "i-1")
    rig.host._cells[1].ending = ending
    os.kill(peer.pid, signal.SIGKILL)
    await until_exit(rig)
    assert rig.exits == [Exit(1, "oom", signal.SIGKILL)]


async def test_one_that_the_filter_ended_is_told_apart(rig: Rig) -> None:
    """Nothing but the filter sends the first process of a namespace that signal."""
    peer = await rig.start()
    peer.end.close()
    rig.host._exited(Frame(Op.EXIT, id=1, ref=os.CLD_DUMPED, aux=signal.SIGSYS))
    assert rig.exits == [Exit(1, "seccomp", signal.SIGSYS)]


async def test_what_an_instance_prints_is_in_its_plugins_log(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        peer.ask("print('to the log \\x1b[31m')")
        peer.ask("os.write(2, b'unfinished')")
    await rig.host.discard(1)
    lines = rig.host.logs("hello", 10)
    assert [line.split(" ", 2)[1:] for line in lines] == [["1", "to the log \x1b[31m"], ["1", "unfinished"]]
    assert rig.host.logs("hello", 1) == lines[1:]
    assert rig.host.logs("other", 5) == []


async def test_a_generation_that_crashed_is_not_forked_from_again(rig: Rig) -> None:
    peer = await rig.start(1)
    before = rig.host._cells[1].zygote
    with peer.end:
        peer.end.send(b"os._exit(3)")
        await until_exit(rig)
    (await rig.start(2)).end.close()
    assert rig.host._cells[2].zygote is not before


async def test_signers_do_not_share_a_zygote(rig: Rig) -> None:
    first = rig.launch(1, signer="one")
    await rig.host.prepare(first)
    await rig.host.prepare(rig.launch(2, signer="one"))
    await rig.host.prepare(rig.launch(3, signer="two"))
    zygotes = [rig.host._cells[number].zygote for number in (1, 2, 3)]
    assert zygotes[0] is zygotes[1] is not zygotes[2]


async def test_a_zygote_is_replaced_after_its_share_of_forks(tmp_path: Path) -> None:
    rig = Rig(tmp_path, limits=dataclasses.replace(LIMITS, zygote_forks=2))
    await rig.attach()
    try:
        for number in (1, 2, 3):
            (await rig.start(number)).end.close()
        cells = [rig.host._cells[number] for number in (1, 2, 3)]
        assert cells[0].zygote is cells[1].zygote is not cells[2].zygote
    finally:
        await rig.host.close(ending=True)


async def test_losing_the_keeper_ends_everything_and_is_told(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        os.kill(keeper_pid(rig), signal.SIGKILL)
        await rig.until(lambda: rig.lost)
        assert rig.exits == [Exit(1, "lost", 0)]
        assert peer.end.recv(10) == b"", "the instance lives on"
    with pytest.raises(Refused, match="keeper"):
        await rig.host.prepare(rig.launch(2))
    await rig.host.discard(1)


async def test_a_new_keeper_serves_after_the_last_was_lost(rig: Rig) -> None:
    os.kill(keeper_pid(rig), signal.SIGKILL)
    await rig.until(lambda: rig.lost)
    assert await rig.attach() == []
    (await rig.start(2)).end.close()


async def test_an_end_that_the_keeper_does_not_tell_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "PATIENCE", 0.05)
    rig = Rig(tmp_path)
    await rig.attach()
    try:
        peer = await rig.start()
        with peer.end:
            os.kill(keeper_pid(rig), signal.SIGSTOP)
            peer.end.send(b"os._exit(3)")
            await until_exit(rig)
            assert rig.exits in ([Exit(1, "exited", 3)], [Exit(1, "lost", 0)])
    finally:
        os.kill(keeper_pid(rig), signal.SIGCONT)
        await rig.host.close(ending=True)


async def test_a_renewed_keeper_runs_what_is_installed_now_and_loses_nothing(rig: Rig) -> None:
    peer = await rig.start()
    pid = keeper_pid(rig)
    assert rig.host._ward is not None
    before = mounted(pid)
    await rig.host.renew_keeper()
    mounts = mounted(pid)
    assert (mounts != before, len(mounts)) == (True, len(before))
    frame = await rig.host._ward.lease.stat()
    assert frame.pid == pid
    (await rig.start(2)).end.close()
    with peer.end:
        peer.end.send(b"os._exit(5)")
        await until_exit(rig)
    assert rig.exits == [Exit(1, "exited", 5)]


def mounted(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/mountinfo").read_text().splitlines()


async def test_another_exod_in_the_same_place_is_told_to_wait(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await rig.host._ward.lease.stat()).aux == 0  # type: ignore[union-attr]
    monkeypatch.setattr("exod.sandbox.lease.Lease.take.__kwdefaults__", {"seconds": 0.05})
    with pytest.raises(Refused, match="another exod"):
        await rig.make().attach(on_exit=rig.exits.append, on_lost=lambda: None)


async def test_a_uid_range_that_an_account_uses_is_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path, limits=Settings(uid_first=0, uid_last=1000))
    with pytest.raises(Refused, match="root has 0"):
        await rig.attach()


async def test_without_development_a_missing_keeper_is_not_started(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    host = Host(dataclasses.replace(rig.host._places, development=None), LIMITS, rig.kernel)
    with pytest.raises(Refused, match="does not answer"):
        await host.attach(on_exit=rig.exits.append, on_lost=lambda: None)
    await host.close(ending=True)
