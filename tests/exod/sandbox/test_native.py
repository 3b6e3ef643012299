"""Machine code of a package's own: only where it is granted, only the verified bytes, and only until it is loaded."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import pytest

from exod.errors import Refused
from exod.linux import procfs
from tests.exod.sandbox.rig import TREE, Peer, Rig
from tests.machine import extension, linked

GRANT = {"native": ("true",)}
Tree = Mapping[str, tuple[bytes, bool]]
STANDARD = f"[sys.path.append('{os.path.dirname(os.__file__)}/lib-dynload'), __import__('mmap').PAGESIZE][1]"
LOAD = "[sys.path.insert(0, '/plugin/code'), __import__('{0}').answer()][1]"


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Two modules, for two moments, and one that needs a library beside it."""
    place = tmp_path_factory.mktemp("machine")
    made = dict(extension(name, place) for name in ("machine", "later")) | linked("needy", place)
    return {**TREE, **{path: (code, False) for path, code in made.items()}}


async def started(rig: Rig, tree: Tree, instance: int = 1, **how: Any) -> Peer:
    return await rig.start(instance, tree=tree, **how)


async def test_a_module_of_the_package_is_loaded_and_runs(rig: Rig, tree: Tree) -> None:
    peer = await started(rig, tree, permissions=GRANT)
    with peer.end:
        assert peer.ask(LOAD.format("machine")) == "42"


async def test_a_library_that_the_package_brings_is_found_beside_its_module(rig: Rig, tree: Tree) -> None:
    peer = await started(rig, tree, permissions=GRANT)
    with peer.end:
        assert peer.ask(LOAD.format("needy")) == "42"


async def test_without_the_grant_no_machine_code_is_loaded(rig: Rig, tree: Tree) -> None:
    peer = await started(rig, tree)
    with peer.end:
        assert "ImportError" in peer.ask(LOAD.format("machine"))


async def test_of_the_standard_library_it_may_load_what_no_other_instance_can(rig: Rig) -> None:
    peer, other = await rig.start(permissions=GRANT), await rig.start(2)
    with peer.end, other.end:
        assert peer.ask(STANDARD) == "4096"
        assert "ImportError" in other.ask(STANDARD)


async def test_once_it_is_loaded_nothing_more_is(rig: Rig, tree: Tree) -> None:
    peer = await started(rig, tree, permissions=GRANT, files=("/etc/debian_version", "/proc/stat"))
    with peer.end:
        assert peer.ask(LOAD.format("machine")) == "42"
        await rig.host.loaded(1)
        assert "ImportError" in peer.ask(LOAD.format("later"))
        assert "ImportError" in peer.ask(STANDARD)
        assert peer.ask(LOAD.format("machine")) == "42", "what it has stays"
        assert procfs.executable(peer.pid) == []


async def test_only_with_the_grant_and_only_at_two_places_code_can_lie(rig: Rig, tree: Tree) -> None:
    data = rig.directory / "data/hello"
    data.mkdir()
    os.chown(data, rig.limits.data_uid, rig.limits.data_uid)
    granted, plain = await started(rig, tree, permissions=GRANT), await started(rig, tree, 2)
    with granted.end, plain.end:
        assert procfs.executable(granted.pid) == ["/", os.path.dirname(os.__file__)]
        assert procfs.executable(plain.pid) == []


async def test_a_neighbour_of_the_same_zygote_loads_on_and_the_next_is_born(rig: Rig, tree: Tree) -> None:
    first, second = await started(rig, tree, permissions=GRANT), await started(rig, tree, 2, permissions=GRANT)
    await rig.host.loaded(1)
    third = await started(rig, tree, 3, permissions=GRANT)
    with first.end, second.end, third.end:
        assert "ImportError" in first.ask(LOAD.format("machine"))
        assert second.ask(LOAD.format("machine")) == third.ask(LOAD.format("later")) == "42"


async def test_exod_sees_for_itself_that_nothing_more_can_be_loaded(rig: Rig) -> None:
    (await rig.start(permissions=GRANT)).end.close()
    rig.host._cells[1].inert = True
    with pytest.raises(Refused, match="mount / is executable") as refused:
        await rig.host.inspect(1)
    assert refused.value.refusal.code == "walls-incomplete"


async def test_without_the_zygote_that_forked_it_nobody_can_end_its_loading(rig: Rig) -> None:
    (await rig.start(permissions=GRANT)).end.close()
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    zygote.close()
    with pytest.raises(Refused, match="the zygote fails: it ended"):
        await rig.host.loaded(1)


async def test_a_zygote_that_is_replaced_stays_until_what_it_forked_has_loaded_its_code(rig: Rig, tree: Tree) -> None:
    peers = [await started(rig, tree, number, permissions=GRANT) for number in (1, 2)]
    old = rig.host._cells[1].zygote
    assert old is not None
    assert old is rig.host._cells[2].zygote
    rig.host._open().nursery.retire(("s", "l"))
    peers.append(await started(rig, tree, 3))
    assert rig.host._cells[3].zygote is not old
    await rig.host.loaded(1)
    assert old.descriptor >= 0
    await rig.host.discard(2)
    assert old.descriptor < 0
    for peer in peers:
        peer.end.close()


async def test_one_that_is_gone_has_loaded_nothing(rig: Rig) -> None:
    peer = await rig.start(permissions=GRANT)
    with peer.end:
        peer.end.send(b"os._exit(0)")
        await rig.until(lambda: rig.exits)
    with pytest.raises(Refused, match="cannot end the loading of machine code of hello"):
        await rig.host.loaded(1)


@pytest.mark.parametrize("loaded", [True, False])
async def test_who_is_taken_over_while_it_could_still_load_code_is_refused(rig: Rig, loaded: bool) -> None:
    peer = await rig.start(permissions=GRANT)
    if loaded:
        await rig.host.loaded(1)
    await rig.host.close(ending=False)
    rig.host = rig.make()
    [survivor] = await rig.attach()
    uid = int(procfs.status(peer.pid)["Uid"].split()[0])
    launch = dataclasses.replace(rig.launch(1, permissions=GRANT), uid=uid, nonce=survivor.nonce)
    with peer.end, rig.host.adopt(launch).end:
        if loaded:
            assert (await rig.host.inspect(1))["seccomp"] == "2"
        else:
            with pytest.raises(Refused, match="is executable"):
                await rig.host.inspect(1)


async def test_it_forks_as_well_where_both_are_granted(rig: Rig, tree: Tree) -> None:
    peer = await started(rig, tree, permissions=GRANT | {"processes": ("true",)})
    with peer.end:
        assert peer.ask(f"[os.waitpid(os.fork() or os._exit(0), 0)[1], {LOAD.format('machine')}]") == "[0, 42]"
