"""Trust read anew, and what it does to those who run."""

import asyncio
from dataclasses import replace

import pytest

from exod.errors import Refusal, Refused
from exod.plan.policy import Policy
from exod.settings import Settings
from exod.supervisor.ports import TrustInputs
from exod.trust.levels import DEFAULTS, NOTHING
from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_a_reload_says_what_changed(house: House) -> None:
    house.disk.inputs = TrustInputs(
        anchors=("alice", "carol"),
        revocations="new",
        policies={"hello": Policy(critical=True)},
        problems=(Refusal("anchor-invalid", "cannot read anchor x: no"),),
        levels=NOTHING,
    )
    house.supervisor._read_settings = lambda: Settings(job_days=3)
    changes = await house.supervisor.reload()
    assert changes == [
        "job-days: 30 → 3",
        "anchors: 1 new, 1 gone, 2 in force",
        "revocations: changed",
        "trust levels: changed",
        "policies: changed for hello",
        "cannot read anchor x: no",
    ]
    assert house.supervisor.degraded == {"trust-1": "cannot read anchor x: no"}
    assert house.events("trust")[-1]["change"] == "reload"


@played
async def test_a_reload_of_the_same_says_nothing(house: House) -> None:
    assert await house.supervisor.reload() == []


@played
async def test_an_instance_whose_signer_is_no_longer_trusted_is_stopped_with_the_reason(house: House) -> None:
    await house.load()
    await house.load(Kit("other", signer="bob"))
    house.disk.inputs = replace(house.disk.inputs, anchors=("bob",))
    changes = await house.supervisor.reload()
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert "hello is stopped: signed by alice, who is not trusted" in changes
    assert (view.state_name, view.fault["code"]) == ("error", "signer-unknown")
    assert view.fault["sentence"].startswith("cannot keep hello running: ")
    assert house.supervisor.plugins["other"].state_name == "running"
    assert len(house.events("fault")) == 1


@played
async def test_a_stop_by_trust_is_no_crash_and_is_not_restarted(house: House) -> None:
    policies = {"hello": Policy(critical=True)}
    house.supervisor._roster.inputs = house.disk.inputs = replace(house.disk.inputs, policies=policies)
    await house.load(Kit(critical=True))
    house.disk.inputs = replace(house.disk.inputs, anchors=("bob",))
    await house.supervisor.reload()
    await asyncio.sleep(100)
    assert house.supervisor.plugins["hello"].restarts == 0


@played
async def test_a_critical_plugin_may_run_on_and_is_reported(house: House) -> None:
    policies = {"hello": Policy(critical=True, stop_revoked=False)}
    house.disk.inputs = replace(house.disk.inputs, policies=policies)
    await house.supervisor.reload()
    await house.load(Kit(critical=True))
    house.disk.inputs = replace(house.disk.inputs, anchors=("bob",))
    await house.supervisor.reload()
    assert house.supervisor.plugins["hello"].state_name == "running"
    assert "runs on until it is replaced" in house.supervisor.degraded["revoked-hello"]
    house.disk.inputs = replace(house.disk.inputs, anchors=("alice",))
    await house.supervisor.reload()
    assert house.supervisor.degraded == {}


@pytest.mark.parametrize("policy", [Policy(), Policy(critical=True, stop_revoked=False)], ids=["usual", "critical"])
@played
async def test_what_its_level_may_no_longer_have_ends_with_the_instance(house: House, policy: Policy) -> None:
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": policy})
    await house.supervisor.reload()
    await house.load(Kit(custom=("gpu",), critical=True))
    await house.load(Kit("other", custom=("gpu",), signer="bob", level="vendor"))
    narrowed = {**DEFAULTS, "trusted": {}}
    house.disk.inputs = replace(house.disk.inputs, levels=narrowed)
    said = await house.supervisor.reload()
    await house.quiet()
    assert "hello is stopped: level trusted does not allow custom:gpu" in said
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"]) == ("error", "above-level")
    assert not house.supervisor.check_capability("hello", "custom:gpu")[0]
    assert house.supervisor.check_capability("other", "custom:gpu")[0]
    house.disk.inputs = replace(house.disk.inputs, levels=DEFAULTS)
    await house.supervisor.reload()
    assert (await house.load(Kit(custom=("gpu",), critical=True))).state == "done"


@played
async def test_time_alone_is_enough_to_stop_it_within_the_hour(house: House) -> None:
    await house.load()
    house.supervisor._roster.inputs = replace(house.disk.inputs, anchors=())
    await asyncio.sleep(3700)
    assert house.supervisor.plugins["hello"].state_name == "error"


@played
async def test_a_policy_that_takes_a_file_away_starts_it_again_without(house: House) -> None:
    await house.load(Kit(files=("/proc/stat", "/proc/meminfo")))
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(files=("/proc/stat",))})
    said = await house.supervisor.reload()
    await asyncio.sleep(1)  # half the time of a call
    assert said[-1] == "hello is started again without filesystem read-only:/proc/meminfo"
    assert list(house.host.processes) == [2], "the one that held it is gone"
    assert house.supervisor._roster.instances[2].confinement.files == ("/proc/stat",)
    assert house.supervisor.plugins["hello"].state_name == "running"
    assert house.supervisor.plugins["hello"].restarts == 0
    assert not house.supervisor.check_capability("hello", "filesystem:read-only:/proc/meminfo")[0]
    context = house.supervisor.info("hello")["security_context"]
    assert context["capabilities"] == {"filesystem": ["read-only:/proc/stat"]}
    assert context["withheld"] == {"filesystem": ["read-only:/proc/meminfo"]}
    assert house.events("revoke")[0]["permissions"] == "filesystem read-only:/proc/meminfo"


@played
async def test_one_that_cannot_start_without_it_stays_ended_with_the_reason(house: House) -> None:
    await house.load(Kit(files=("/proc/stat",)))
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(files=())})
    house.fate.fail = lambda name: name.startswith("sandbox.spawn")
    await house.supervisor.reload()
    await asyncio.sleep(1)
    assert house.supervisor.plugins["hello"].state_name == "error"
    assert house.supervisor.plugins["hello"].fault
    assert house.host.processes == {}


@played
async def test_what_exod_itself_answers_for_is_gone_at_the_next_use_and_nothing_is_restarted(house: House) -> None:
    await house.load(Kit(custom=("fast", "gpu")))
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(deny=("custom",))})
    assert (await house.supervisor.reload())[-1] == "hello no longer has custom fast gpu"
    assert list(house.host.processes) == [1]
    assert house.supervisor.check_capability("hello", "custom:gpu") == (False, "hello was not granted custom:gpu")


@played
async def test_an_acl_holds_from_the_next_call_on_and_goes_as_it_came(house: House) -> None:
    await house.load()
    for acl, access in (({"hello": "root"}, "root"), ({}, "any")):
        house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(acl=acl)})
        await house.supervisor.reload()
        assert [service.access for service in house.face.offered["hello"]] == [access]
        assert house.supervisor.info("hello")["security_context"]["acl"]["hello"] == access
    assert list(house.host.processes) == [1]


@played
async def test_what_a_policy_gives_back_waits_for_the_next_start(house: House) -> None:
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(files=())})
    await house.supervisor.reload()
    await house.load(Kit(files=("/proc/stat",)))
    house.disk.inputs = replace(house.disk.inputs, policies={})
    await house.supervisor.reload()
    assert list(house.host.processes) == [1]
    assert house.supervisor.check_capability("hello", "filesystem:read-only:/proc/stat")[0] is False


UNREAD = Refusal("policy-invalid", "cannot read plugins.d/hello.toml: line 2: dney: unknown key")


@pytest.mark.parametrize("file", ["hello", "plugins.d"])
@played
async def test_whose_policy_cannot_be_read_is_ended_and_not_started_until_it_can(house: House, file: str) -> None:
    """As with levels.toml: it may have taken something away."""
    await house.load(Kit(critical=True))
    await house.load(Kit("other"))
    house.disk.inputs = replace(house.disk.inputs, unread={file: UNREAD}, problems=(UNREAD,))
    said = await house.supervisor.reload()
    await house.quiet()
    assert "hello is stopped: plugins.d/hello.toml: line 2: dney: unknown key" in said
    view, other = house.supervisor.plugins["hello"], house.supervisor.plugins["other"]
    assert (view.state_name, view.fault["code"]) == ("error", "policy-invalid")
    assert other.state_name == ("running" if file == "hello" else "error")
    assert house.supervisor.degraded["trust-1"] == UNREAD.sentence
    job = await house.do("load", "hello")
    assert (job.state, job.refusal["code"]) == ("refused", "policy-invalid")
    assert job.refusal["sentence"] == "cannot start hello: plugins.d/hello.toml: line 2: dney: unknown key"
    assert job.refusal["hint"] == "repair it, then: exoctl daemon reload"
    house.disk.inputs = replace(house.disk.inputs, unread={}, problems=())
    await house.supervisor.reload()
    assert (await house.do("load", "hello")).state == "done"


NOBODY_KNOWS = Refusal("revocation-malformed", "cannot read revoked.toml: line 1: it is not TOML in UTF-8")


@played
async def test_while_nobody_knows_what_is_revoked_what_runs_goes_on_and_nothing_else_starts(house: House) -> None:
    policies = {"hello": Policy(critical=True)}
    house.supervisor._roster.inputs = house.disk.inputs = replace(house.disk.inputs, policies=policies)
    await house.load(Kit(critical=True))
    await house.load(Kit("other"))
    await house.do("unload", "other")
    house.disk.inputs = replace(house.disk.inputs, unread={"revoked.toml": NOBODY_KNOWS}, problems=(NOBODY_KNOWS,))
    await house.supervisor.reload()
    assert house.supervisor.plugins["hello"].state_name == "running"
    assert house.supervisor.degraded == {"trust-1": NOBODY_KNOWS.sentence}
    third = Kit("third")
    for job in (await house.do("load", "other"), await house.load(third), await house.do("install", kit=third)):
        assert (job.state, job.refusal["code"]) == ("refused", "revocation-malformed")
        assert job.refusal["sentence"].endswith(": revoked.toml: line 1: it is not TOML in UTF-8")
    assert not (await house.supervisor.validate(Kit("fourth").data(), house.root))["accepted"]
    house.sandbox.kill(1)
    await asyncio.sleep(1)
    assert house.supervisor.plugins["hello"].fault["code"] == "revocation-malformed", "not started again either"


@played
async def test_who_is_not_trusted_any_more_is_ended_whatever_else_cannot_be_read(house: House) -> None:
    await house.load()
    house.disk.inputs = replace(house.disk.inputs, anchors=(), unread={"revoked.toml": NOBODY_KNOWS})
    await house.supervisor.reload()
    await house.quiet()
    assert house.supervisor.plugins["hello"].fault["code"] == "signer-unknown"


@played
async def test_a_disk_that_cannot_be_read_says_nothing_about_a_signer(house: House) -> None:
    await house.load()
    house.fate.fail = lambda name: name.startswith("packages.get")
    assert await house.supervisor.reload() == []
    assert house.supervisor.plugins["hello"].state_name == "running"


@played
async def test_revocation_lists_that_were_seen_are_remembered(house: House) -> None:
    house.disk.inputs = replace(house.disk.inputs, sequences={"a" * 64: 3})
    await house.supervisor.reload()
    await house.supervisor.reload()
    assert (house.disk.trust.lists, house.disk.trust.generation) == ({"a" * 64: 3}, 1)


@played
async def test_old_jobs_are_forgotten(house: House) -> None:
    job = await house.load()
    await asyncio.sleep(31 * 86400)
    assert job.id not in house.disk.jobs
    assert job.id not in house.supervisor.jobs


@played
async def test_a_full_disk_keeps_old_jobs_for_another_hour(house: House) -> None:
    job = await house.load()

    async def fail(*, before: float) -> None:
        raise OSError(28, "No space left on device")

    house.supervisor._world.registry.prune_jobs = fail  # type: ignore[method-assign]
    await asyncio.sleep(7200)
    assert job.id in house.disk.jobs


@played
async def test_trust_that_is_sound_is_not_recovered(house: House) -> None:
    with pytest.raises(Refused, match="sound"):
        await house.supervisor.recover_trust(house.root)
    assert house.events("refused")[0]["code"] == "trust-sound"
