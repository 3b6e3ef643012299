"""US-004's descriptor of a plugin, and the security context of a package."""

from tests.simulation.house import ROOT, House, played
from tests.simulation.packages import Kit

FIELDS = [
    "id",
    "name",
    "version",
    "type",
    "state",
    "process_id",
    "security_context",
    "limits",
    "ipc_endpoint",
    "metadata",
    "load_time",
    "last_activity",
]


@played
async def test_a_descriptor_has_the_twelve_fields(house: House) -> None:
    await house.load(Kit(files=("/proc/stat",)))
    info = house.supervisor.info("hello")
    assert list(info) == FIELDS
    assert (info["id"], info["state"], info["process_id"]) == (1, 3, 101)
    assert info["ipc_endpoint"] == "/org/exoos/Exod1/service/hello/hello"
    context = info["security_context"]
    assert context["capabilities"] == {"filesystem": ["read-only:/proc/stat"]}
    assert context["acl"] == {"hello": "any"}
    assert (context["signature"], context["trust_level"]) == ("alice", "trusted")
    assert info["metadata"]["name"] == "hello"


@played
async def test_an_unloaded_plugin_is_described_too(house: House) -> None:
    await house.do("install", kit=Kit(services=False))
    info = house.supervisor.info("hello")
    assert (info["id"], info["process_id"], info["ipc_endpoint"], info["load_time"]) == (0, 0, "", 0)


@played
async def test_a_plugin_whose_package_cannot_be_read_is_described_by_its_rows(house: House) -> None:
    await house.do("install", kit=Kit())
    house.disk.packages[("hello", "1.0.0")] = b"rubbish"
    supervisor = await house.boot()
    info = supervisor.info("hello")
    assert (info["version"], info["metadata"], info["limits"]) == ("1.0.0", {}, {})
    assert info["security_context"] == {"signature": "alice", "trust_level": "trusted"}
    assert supervisor.config("hello") == {}


@played
async def test_validation_shows_the_whole_context_and_changes_nothing(house: House) -> None:
    context = await house.supervisor.validate(Kit(files=("/proc/stat",)).data(), ROOT)
    assert context["accepted"] is True
    assert (context["signer"], context["level"], context["owner"]) == ("alice", "trusted", "alice")
    assert context["capabilities"] == {"filesystem": ["read-only:/proc/stat"]}
    assert (house.disk.packages, house.disk.jobs) == ({}, {})


@played
async def test_validation_of_what_would_be_refused_says_why_and_is_audited_once(house: House) -> None:
    context = await house.supervisor.validate(Kit(signer="eve").data(), ROOT)
    assert (context["accepted"], context["refusal"]["code"]) == (False, "signer-unknown")
    assert [fields["code"] for fields in house.events("refused")] == ["signer-unknown"]
