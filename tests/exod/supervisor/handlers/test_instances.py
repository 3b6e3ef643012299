"""Steps on an instance: recorded before it exists, known by its nonce, gone when it is ended."""

from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_an_instance_is_recorded_before_its_process_exists(house: House) -> None:
    await house.load()
    lines = [line.split(" ", 1)[1] for line in house.trace.lines]
    assert lines.index("registry.put_instance 1 pid=0") < lines.index("sandbox.spawn 1")
    assert lines.index("sandbox.spawn 1") < lines.index("registry.put_instance 1 pid=101")


@played
async def test_ids_nonces_and_uids_are_never_used_again(house: House) -> None:
    seen = []
    for _ in range(3):
        await house.load()
        record = house.disk.instances[max(house.disk.instances)]
        seen.append((record.id, record.nonce, record.uid))
        await house.do("unload", "hello")
    assert (
        len({id_ for id_, _, _ in seen}) == len({nonce for _, nonce, _ in seen}) == len({uid for *_, uid in seen}) == 3
    )
    assert all(len(nonce) == 16 for _, nonce, _ in seen)


@played
async def test_what_was_seen_from_outside_is_what_is_shown(house: House) -> None:
    await house.load()
    assert house.supervisor.instances[1].walls == {"Seccomp": "2", "NoNewPrivs": "1", "CapBnd": "0"}


@played
async def test_services_that_the_code_lacks_are_named(house: House) -> None:
    job = await house.load(Kit(behaviour={"go": "lie"}))
    assert job.refusal["code"] == "services-missing"
    assert "hello" in job.refusal["sentence"]


@played
async def test_a_plugin_in_error_is_unloaded_by_clearing_up(house: House) -> None:
    await house.load()
    house.sandbox.kill(1)
    await house.quiet()
    assert (await house.do("unload", "hello")).state == "done"
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault, view.load_time) == ("unloaded", {}, 0)
