"""Walls with a layer left out, as only a test can build them: what is gone is gone, what is left stands."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.linux import procfs
from exod.plan.confine import LAYERS, Layer
from exod.sandbox import _spawn, birth, frames
from tests.exod.sandbox.rig import Rig, free_zygotes
from tests.exod.sandbox.test_zygote import serve


@pytest.fixture(autouse=True)
def free() -> Iterator[None]:
    """What an instance lacks is not to be made up for by what it inherits."""
    with free_zygotes():
        yield


def test_both_sides_have_the_same_list() -> None:
    assert tuple(layer.name for layer in sorted(Layer)) == _spawn.LAYERS
    assert [int(layer) for layer in sorted(Layer)] == list(range(len(Layer)))


async def test_a_layer_that_nobody_knows_is_no_request(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for unknown in (len(Layer), 31):
        monkeypatch.setattr(birth, "LAYERS", LAYERS | {unknown})
        launch = rig.launch(unknown)
        await rig.host.prepare(launch)
        with pytest.raises(Refused, match="fork failed: Invalid argument"):
            await rig.host.spawn(launch)


def test_a_network_has_no_layers_to_leave_out() -> None:
    (answer,) = serve([(frames.request(frames.NETNS, without=1), 0)])
    assert answer is not None
    assert answer[0] == 22


async def test_an_instance_runs_without_any_one_of_its_layers(rig: Rig) -> None:
    for layer in Layer:
        peer = await rig.start(layer + 1, without=[layer])
        with peer.end:
            assert peer.ask("1 + 1") == "2", layer


async def test_an_instance_runs_without_all_of_them(rig: Rig) -> None:
    peer = await rig.start(without=Layer)
    with peer.end:
        assert peer.ask("os.getuid()") == "0", "the zygote's own, which is nobody's on the host"
    assert procfs.filters(peer.pid) == procfs.filters(rig.host._open().lease.keeper) + 1, (
        "its zygote's, which allows all"
    )
    assert procfs.namespaces(peer.pid)["pid"] == procfs.namespaces("self")["pid"]


SEEN_OUTSIDE = {
    Layer.PIDS: {"NSpid", "namespace pid"},
    Layer.CGROUPS: {"namespace cgroup"},
    Layer.NETWORK: {"namespace net"},
    Layer.OWN_UID: {"Uid", "Gid"},
    Layer.CAPABILITIES: {"CapPrm", "CapEff", "CapBnd"},
    Layer.SECCOMP: {"Seccomp_filters"},
}


async def test_the_outside_check_forgives_only_what_the_confinement_leaves_out(rig: Rig) -> None:
    for layer, wrong in SEEN_OUTSIDE.items():
        (await rig.start(layer + 1, without=[layer])).end.close()
        rig.host._cells[layer + 1].layers = LAYERS
        with pytest.raises(Refused) as refused:
            await rig.host.inspect(layer + 1)
        assert set(refused.value.refusal.evidence) == wrong


INSIDE = {
    Layer.SIGNALS: ("os.getsid(0) == os.getpid()", "True", "False"),
    Layer.HOST_NAME: ("os.uname().nodename == 'plugin'", "True", "False"),
    Layer.MOUNTS: ("os.path.isdir('/plugin')", "True", "False"),
    Layer.ROOT: ("os.path.isdir('/root/plugin')", "False", "True"),
    Layer.OWN_UID: ("os.getuid() == 0", "False", "True"),
    Layer.DESCRIPTORS: ("os.fstat(200) and 'open'", "!OSError(9, 'Bad file descriptor')", "'open'"),
}


async def test_what_a_layer_does_is_undone_without_it(rig: Rig) -> None:
    whole = await rig.start(100)
    with whole.end:
        for layer, (question, stands, lacks) in INSIDE.items():
            without = await rig.start(layer + 1, without=[layer])
            with without.end:
                assert (whole.ask(question), without.ask(question)) == (stands, lacks), layer


async def test_code_is_held_by_the_filter_and_by_the_kernel_behind_it(rig: Rig) -> None:
    for instance, without, outcome in [
        (1, [], "EPERM"),
        (2, [Layer.NO_NEW_CODE], "EPERM"),
        (3, [Layer.SECCOMP], "EACCES"),
        (4, [Layer.SECCOMP, Layer.NO_NEW_CODE], "allowed"),
    ]:
        peer = await rig.start(instance, without=without)
        peer.end.close()
        assert peer.hello["walls"]["executable_memory"] == outcome


def soft_limit(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.removeprefix(name).split()[0] for line in lines if line.startswith(name))


MIB = 1 << 20
LIMITED = {
    "Max core file size": 1,
    "Max msgqueue size": 0,
    "Max locked memory": 0,
    "Max processes": 8 + 1,
    "Max open files": 64 + 1,
    "Max file size": 16 * MIB,
    "Max data size": (2 * 64 + 8 * 8 + 32) * MIB,
    "Max address space": (2 * 64 + 8 * 8 + 32 + 8 * 64 + 256) * MIB,
}
"""Of the limits that a package has which asks for none. One task and one file more, for whoever looks to count."""


async def test_what_an_instance_may_use_is_limited_and_no_longer_without_limits(rig: Rig) -> None:
    whole, without = await rig.start(1), await rig.start(2, without=[Layer.LIMITS])
    whole.end.close()
    without.end.close()
    assert {name: soft_limit(whole.pid, name) for name in LIMITED} == {name: str(n) for name, n in LIMITED.items()}
    assert [name for name, most in LIMITED.items() if soft_limit(without.pid, name) == str(most)] == []


SLEEPER = "__import__('_thread').start_new_thread(__import__('time').sleep, (3600,))"


async def test_the_limits_hold(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert peer.ask("[os.open('/tmp', os.O_RDONLY) for _ in range(62)]") == "!OSError(24, 'Too many open files')"
        peer.ask("os.closerange(4, 65)")
        assert peer.ask("len(bytearray(300 << 20))") == "!MemoryError()"
        assert peer.ask("len(bytearray(64 << 20))") == str(64 * MIB)
        assert peer.ask(f"[{SLEEPER} for _ in range(8)] and 8") == "8"
        assert peer.ask(SLEEPER) == '!RuntimeError("can\'t start new thread")'


async def test_a_file_is_as_large_as_all_its_storage_and_at_least_as_tmp(rig: Rig) -> None:
    grow = "os.ftruncate(os.open('/tmp/x', os.O_RDWR | os.O_CREAT), {})"
    peer = await rig.start()
    with peer.end:
        assert peer.ask(grow.format(16 * MIB)) == "None"
        assert peer.ask(grow.format(16 * MIB + 1)) == "!OSError(27, 'File too large')"


async def test_what_is_written_to_a_grant_is_not_held_to_its_own_storage(rig: Rig) -> None:
    place = Path("/var/tmp") / f"exod-limits-{os.getpid()}"
    place.mkdir()
    os.chown(place, 12345, 12345)
    try:
        peer = await rig.start(writable=(str(place),))
        peer.end.close()
        assert soft_limit(peer.pid, "Max file size") == str(1 << 40)
    finally:
        await rig.host.discard(1)
        place.rmdir()


async def test_a_request_for_nothing_to_live_on_is_none(rig: Rig) -> None:
    for instance, name in enumerate(("files", "tasks", "memory"), start=1):
        launch = rig.launch(instance)
        limits = dataclasses.replace(launch.confinement.limits, **{name: 0})
        launch = dataclasses.replace(launch, confinement=dataclasses.replace(launch.confinement, limits=limits))
        await rig.host.prepare(launch)
        with pytest.raises(Refused, match="fork failed: Invalid argument"):
            await rig.host.spawn(launch)
