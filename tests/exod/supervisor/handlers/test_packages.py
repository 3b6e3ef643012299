"""Steps on the store, the owners and the rows: each does, and undoes exactly what it did."""

from dataclasses import asdict

import pytest

from exod.trust.state import TrustState
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

OLD = Kit(level="dev")


def picture(house: House) -> tuple[object, ...]:
    """All that lasts, but what only counts upwards."""
    disk = house.disk
    assert isinstance(disk.trust, TrustState)
    trust = {key: dict(value) for key, value in asdict(disk.trust).items() if key in ("owners", "marks", "former")}
    return (
        dict(disk.plugins),
        dict(disk.versions),
        dict(disk.packages),
        dict(disk.data),
        trust,
        dict(disk.package_trash),
    )


@pytest.mark.parametrize(
    ("kit", "options"),
    [
        (OLD.but(version="1.1.0"), {}),
        (OLD.but(sequence=2), {}),
        (OLD.but(version="1.1.0", signer="bob"), {"consent": True}),
        (OLD.but(version="0.9.0"), {"downgrade": True}),
    ],
    ids=["newer", "replaced", "new-owner", "older"],
)
@played
async def test_an_installation_that_is_undone_leaves_all_as_it_was(house: House, kit: Kit, options: dict) -> None:
    await house.do("install", kit=OLD)
    house.disk.data["hello"] = "precious"
    before = picture(house)
    house.fate.fail = lambda name: name.startswith("sandbox.prepare")
    job = await house.load(kit, **options)
    assert job.state == "failed"
    assert picture(house) == before


@played
async def test_a_first_installation_that_is_undone_leaves_nothing_at_all(house: House) -> None:
    before = picture(house)
    house.fate.fail = lambda name: name.startswith("sandbox.prepare")
    await house.load()
    assert picture(house) == before


@played
async def test_data_that_outlived_a_removal_outlives_a_failed_load_too(house: House) -> None:
    await house.load()
    house.disk.data["hello"] = "precious"
    await house.do("remove", "hello")
    house.fate.fail = lambda name: name.startswith("sandbox.prepare")
    await house.load()
    assert house.disk.data == {"hello": "precious"}


@played
async def test_a_new_owner_gets_fresh_data(house: House) -> None:
    await house.load()
    house.disk.data["hello"] = "precious"
    await house.do("unload", "hello")
    await house.load(Kit(version="1.1.0", signer="bob"), consent=True)
    assert house.disk.data == {"hello": "fresh"}
    assert house.disk.data_trash == {}


@played
async def test_a_removal_that_is_undone_brings_all_back(house: House) -> None:
    await house.do("install", kit=Kit())
    await house.do("install", kit=Kit(version="1.1.0"))
    before = picture(house)
    house.fate.fail = lambda name: name.startswith("registry.drop_plugin")
    job = await house.do("remove", "hello", purge=True)
    assert job.state == "failed"
    assert picture(house) == before


@played
async def test_the_clock_that_is_remembered_never_goes_back(house: House) -> None:
    await house.load()
    known = house.disk.trust.clock
    house.clock.offset -= 1e6
    await house.load(Kit("other"))
    assert house.disk.trust.clock >= known
