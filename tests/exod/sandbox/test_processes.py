"""Processes of an instance's own: only where they are granted, never another program, and gone with it."""

from exod.linux import procfs
from tests.exod.sandbox.rig import Rig

GRANT = {"processes": ("true",)}
FORK = "(lambda pid: os._exit(7) if pid == 0 else os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))(os.fork())"
STAYS = "(lambda pid: [end.close(), os.pipe()] and os.read(os.pipe()[0], 1) if pid == 0 else pid)(os.fork())"


async def test_a_process_of_its_own_runs_and_is_waited_for(rig: Rig) -> None:
    peer = await rig.start(permissions=GRANT)
    with peer.end:
        assert peer.ask(FORK) == "7"


async def test_without_the_grant_nothing_is_forked(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert "PermissionError" in peer.ask("os.fork()")


async def test_no_other_program_is_run_with_it(rig: Rig) -> None:
    peer = await rig.start(permissions=GRANT)
    with peer.end:
        for call in ("os.execv('/plugin/x', ['x'])", "os.posix_spawn('/plugin/x', ['x'], {})"):
            assert "PermissionError" in peer.ask(call)


async def test_what_it_forked_has_the_same_walls_and_ends_with_it(rig: Rig) -> None:
    peer = await rig.start(permissions=GRANT)
    with peer.end:
        assert peer.ask(STAYS).isdigit()
        group = rig.group / "instances/i-1"
        pids = [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
        assert len(pids) == 2
        for pid in pids:
            status = procfs.status(pid)
            assert (status["Seccomp"], status["NoNewPrivs"], status["CapEff"]) == ("2", "1", "0" * 16)
    await rig.host.discard(1)
    assert not group.exists()
