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
async def test_machine_code_is_loaded_before_the_start_and_never_after(house: House) -> None:
    await house.load(Kit(level="vendor", native=True))
    lines = [line.split(" ", 1)[1] for line in house.trace.lines]
    loaded = lines.index("audit state instance=1 new=loaded old=loading plugin=hello")
    assert lines.index("sandbox.spawn 1") < lines.index("sandbox.loaded 1") < loaded
    assert house.supervisor.instances[1].walls == {"machine code": "loaded"}


@played
async def test_a_package_without_machine_code_has_nothing_to_load(house: House) -> None:
    await house.load()
    assert not any("sandbox.loaded" in line for line in house.trace.lines)


@played
async def test_machine_code_whose_loading_cannot_be_ended_is_not_started(house: House) -> None:
    job = await house.load(Kit(level="vendor", native=True, behaviour={"loaded": "refuse"}))
    assert (job.state, job.refusal["code"], house.host.processes) == ("failed", "loaded-failed", {})


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
