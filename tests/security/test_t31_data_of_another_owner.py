"""Threat 31, what becomes of it: an upgrade by another trusted signer or with wider asks changes nothing unasked, and
data is never handed to a new owner. Over real packages and real verification, from the request to the store.
"""

from dataclasses import replace

from exod.supervisor.supervisor import Request, Verb
from exod.trust.revocation import Revocations
from exod.trusting import PackageGate
from tests.builders import NOW, anchor_for, key, manifest_toml, signed_package
from tests.simulation.house import ROOT, House, played

VENDOR, OTHER = key("vendor"), key("other")
FIRST = signed_package(VENDOR)


def real(house: House) -> None:
    """Real parsing and verification; two signers, each trusted to sign `hello`."""
    house.supervisor._planner._gate = PackageGate(development=False)
    anchors = (anchor_for(VENDOR, name="vendor"), anchor_for(OTHER, name="other"))
    house.supervisor._roster.inputs = replace(house.disk.inputs, anchors=anchors, revocations=Revocations())
    house.clock.offset = NOW


async def install(house: House, data: bytes, **options: bool) -> tuple[str, str]:
    job = house.supervisor.submit(Request(Verb.INSTALL, ROOT, package=data, options=options))
    view = await house.supervisor.finished(job)
    return view.state, view.refusal.get("code", "")


@played
async def test_another_signer_is_refused_and_leaves_owner_package_and_data_alone(house: House) -> None:
    real(house)
    assert await install(house, FIRST) == ("done", "")
    house.disk.data["hello"] = "precious"
    before = (dict(house.disk.packages), house.disk.trust)
    newer = signed_package(OTHER, manifest=manifest_toml(version="1.1.0"))
    assert await install(house, newer) == ("refused", "owner-differs")
    assert (dict(house.disk.packages), house.disk.trust) == before
    assert house.disk.data == {"hello": "precious"}
    assert [fields["code"] for fields in house.events("refused")] == ["owner-differs"]


@played
async def test_a_new_owner_with_consent_begins_with_empty_data(house: House) -> None:
    real(house)
    await install(house, FIRST)
    house.disk.data["hello"] = "precious"
    newer = signed_package(OTHER, manifest=manifest_toml(version="1.1.0"))
    assert await install(house, newer, consent=True) == ("done", "")
    assert house.disk.data == {"hello": "fresh"}
    assert house.disk.data_trash == {}
    assert house.disk.trust.owners == {"hello": OTHER.identity.key_id}


@played
async def test_wider_asks_need_consent_and_the_refusal_shows_the_difference(house: House) -> None:
    real(house)
    await install(house, FIRST)
    wider = manifest_toml(version="1.1.0", more='[sandbox]\nfilesystem = ["read-only:/proc/stat"]\n')
    assert await install(house, signed_package(VENDOR, manifest=wider)) == ("refused", "widened")
    assert "read-only:/proc/stat" in house.events("refused")[0]["sentence"]
    assert await install(house, signed_package(VENDOR, manifest=wider), consent=True) == ("done", "")
    assert house.disk.data == {"hello": "fresh"}


@played
async def test_the_former_owners_version_is_not_run_once_the_name_has_another_owner(house: House) -> None:
    real(house)
    await install(house, FIRST)
    await install(house, signed_package(OTHER, manifest=manifest_toml(version="1.1.0")), consent=True)
    job = house.supervisor.submit(Request(Verb.LOAD, ROOT, "hello", options={"version": "1.0.0"}))
    view = await house.supervisor.finished(job)
    assert (view.state, view.refusal["code"]) == ("refused", "owner-differs")


@played
async def test_wider_asks_need_consent_also_before_a_new_daemon_has_read_what_is_installed(house: House) -> None:
    real(house)
    await install(house, FIRST)
    house.supervisor._roster.plugins["hello"].manifests.clear()
    wider = signed_package(
        VENDOR,
        manifest=manifest_toml(version="1.1.0", more='[sandbox]\nfilesystem = ["read-only:/proc/stat"]\n'),
    )
    assert await install(house, wider) == ("refused", "widened")


@played
async def test_what_cannot_be_compared_needs_consent(house: House) -> None:
    real(house)
    await install(house, FIRST)
    house.supervisor._roster.plugins["hello"].manifests.clear()
    house.disk.packages.clear()
    newer = signed_package(VENDOR, manifest=manifest_toml(version="1.1.0"))
    assert await install(house, newer) == ("refused", "installed-unreadable")
    assert await install(house, newer, consent=True) == ("done", "")
