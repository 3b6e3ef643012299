"""What CheckCapability and the descriptor say of a plugin is what its sandbox was built with, whatever the policy."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from exod.brokers.config.rules import denied
from exod.brokers.network.rules import denied as connection_denied
from exod.brokers.network.rules import target
from exod.plan.confine import Confinement
from exod.plan.policy import Policy
from exod.supervisor.ports import Launch
from exod.trust.levels import DEFAULTS, Levels
from exod.trust.scope import beyond
from tests.simulation.house import House, played
from tests.simulation.packages import Kit, manifest

FILES = ("/proc/stat", "/proc/meminfo", "/etc/os-release", "/srv/a")
WRITTEN = ("/srv/b", "/srv/c")
NAMES = ("fast", "gpu", "big")
PLACES = ("tcp:a.org:1", "tcp:*.b.org:2", "tcp:127.0.0.1:3")
KEYS = ("read:system.hostname", "read:echo.word", "write:echo.word")
UNIVERSE = [
    *(f"filesystem:{mode}:{path}" for path in (*FILES, *WRITTEN) for mode in ("read-only", "read-write")),
    *(f"custom:{name}" for name in NAMES),
    *(f"config:{key}" for key in KEYS),
    *(f"network:{place}" for place in (*PLACES, "tcp:x.b.org:2", "tcp:x.y.b.org:2", "tcp:b.org:2", "tcp:a.org:2")),
    *("network:udp:a.org:1", "processes", "native", "hardware:usb:1:2"),
]


def some(chance: Random, among: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in among if chance.random() < 0.6)


def policy(chance: Random) -> Policy:
    files = None if chance.random() < 0.5 else some(chance, (*FILES, *WRITTEN, "read-only:/srv/b", "read-write:/srv/c"))
    return Policy(
        files=files, deny=some(chance, ("custom", "filesystem", "network", "config")) if chance.random() < 0.4 else ()
    )


def levels(chance: Random) -> Levels:
    """Now and then the level of these packages may have less."""
    if chance.random() < 0.5:
        return DEFAULTS
    ways = (
        some(chance, (f"read-only:{FILES[0]}", "read-only:/etc/*", "read-only:/srv/*", "read-write:/srv/*")),
        ("*",),
    )
    return {**DEFAULTS, "trusted": {"filesystem": chance.choice(ways), "custom": ("*",), "config": ("*",)}}


def enforced(built: Confinement) -> set[str]:
    """From what the sandbox is built of, and from what a plugin is let go with."""
    files = {f"filesystem:read-only:{path}" for path in built.files}
    files |= {f"filesystem:read-write:{path}" for path in built.writable}
    keys = {
        f"config:{kind}:{key}" for kind, _, key in (one.partition(":") for one in KEYS) if answers(built, kind, key)
    }
    # What a wildcard stands for is held in each of its cases, and told as it was granted.
    wide = {f"network:{one}" for one in built.permissions.get("network", ()) if "*" in one}
    return files | keys | wide | reaches(built) | {f"custom:{name}" for name in built.permissions.get("custom", ())}


def reaches(built: Confinement) -> set[str]:
    """Of all places, those that the broker would connect to."""
    asked = ((one, target(one.removeprefix("network:tcp:"))) for one in UNIVERSE if one.startswith("network:tcp:"))
    held = built.permissions.get("network", ())
    return {one for one, place in asked if place is not None and connection_denied(place, held=held) is None}


def answers(built: Confinement, kind: str, key: str) -> bool:
    """Whether the broker would."""
    return denied(kind, key, held=built.permissions.get("config", ())) is None


def answered(house: House) -> set[str]:
    return {one for one in UNIVERSE if house.supervisor.check_capability("hello", one)[0]}


def described(house: House) -> set[str]:
    held = house.supervisor.info("hello")["security_context"]["capabilities"]
    told = {f"{name}:{entry}" for name, entries in held.items() for entry in entries}
    return told | ({"network:tcp:x.b.org:2", "network:tcp:x.y.b.org:2"} if "network:tcp:*.b.org:2" in told else set())


@played
async def test_what_is_answered_and_described_is_what_is_enforced(house: House) -> None:
    built: list[Confinement] = []
    prepare = house.sandbox.prepare

    async def seen(launch: Launch) -> None:
        built.append(launch.confinement)
        await prepare(launch)

    house.sandbox.prepare = seen  # type: ignore[method-assign]
    chance, loaded = Random(36), 0
    await house.do("install", kit=Kit(version="0.1.0"))
    for turn in range(40):
        house.disk.inputs = replace(house.disk.inputs, policies={"hello": policy(chance)}, levels=levels(chance))
        await house.supervisor.reload()
        kit = Kit(
            version=f"1.{turn}.0",
            files=some(chance, FILES),
            writes=some(chance, WRITTEN),
            custom=some(chance, NAMES),
            network=some(chance, PLACES),
        )
        above = beyond(manifest(kit), house.disk.inputs.levels["trusted"])
        job = await house.load(kit, consent=True)
        assert job.state == ("refused" if above else "done")
        if above:
            assert answered(house) == set()
            continue
        loaded += 1
        assert answered(house) == described(house) == enforced(built[-1])
        await house.do("unload", "hello")
        assert answered(house) == set()
    assert 10 < loaded < 40


@played
async def test_it_still_is_after_permissions_were_taken_back_from_what_runs(house: House) -> None:
    chance = Random(4)
    kit = Kit(files=FILES, writes=WRITTEN, custom=NAMES, settings=KEYS, network=PLACES)
    for turn in range(20):
        house.disk.inputs = replace(house.disk.inputs, policies={}, levels=DEFAULTS)
        await house.supervisor.reload()
        await house.load(kit)
        house.disk.inputs = replace(house.disk.inputs, policies={"hello": policy(chance)}, levels=levels(chance))
        await house.supervisor.reload()
        await house.clock.sleep(1)
        instance = house.supervisor._roster.plugins["hello"].instance
        stands = not beyond(manifest(kit), house.disk.inputs.levels["trusted"])
        assert (instance is not None) is stands, turn
        if instance is None:
            assert answered(house) == set()
            continue
        assert answered(house) == described(house) == enforced(instance.confinement)
        await house.do("unload", "hello")
