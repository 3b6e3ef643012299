"""THREATS 27: after the end of an instance nothing of it is left; after exod's nothing at all."""

import os

from exod.brokers.doctor.residue import look
from tests.exod.sandbox.rig import LIMITS, Rig


async def test_an_instance_with_everything_it_may_have_leaves_nothing(rig: Rig) -> None:
    (rig.directory / "data/hello").mkdir()
    os.chown(rig.directory / "data/hello", LIMITS.data_uid, LIMITS.data_uid)
    (await rig.start(1, files=("/proc/stat", "/proc/1/net/dev"))).end.close()
    await rig.host.discard(1)
    assert {trace.what for trace in look(rig.scope()) if "i-1" in trace.what} == set()
    await rig.host.close(ending=True)
    assert look(rig.scope()) == frozenset()


async def test_sixty_starts_leave_no_descriptor_behind(rig: Rig) -> None:
    for number in range(1, 21):
        (await rig.start(number)).end.close()
        await rig.host.discard(number)
    zygote = rig.host._open().nursery._living["s", "l"]
    keeper = await rig.host._open().lease.stat()
    before = len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{zygote.pid}/fd")), keeper.nonce[12:]
    for number in range(21, 61):
        (await rig.start(number)).end.close()
        await rig.host.discard(number)
    keeper = await rig.host._open().lease.stat()
    after = len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{zygote.pid}/fd")), keeper.nonce[12:]
    assert after[1:] == before[1:]
    assert abs(after[0] - before[0]) <= 4, "more than the pool of networks"
    await rig.host.close(ending=True)
    assert look(rig.scope()) == frozenset()
