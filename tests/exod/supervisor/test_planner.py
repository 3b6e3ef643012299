"""From a request to a plan: what is judged, what is compared, and what stands in the way."""

from dataclasses import replace

import pytest

from exod.errors import Refused
from exod.plan.policy import Policy
from exod.supervisor.supervisor import Verb
from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@pytest.mark.parametrize(
    ("kit", "code"),
    [
        (Kit(signer="eve"), "signer-unknown"),
        (Kit(network=("udp:example.org:53",)), "permission-refused"),
        (Kit(network=("tcp:*.org:443",)), "permission-refused"),
        (Kit(files=("/etc/shadow",)), "permission-refused"),
        (Kit(needs=(("base", ">=1", False),)), "dependency-missing"),
        (Kit(needs=(("hello", "", False),)), "dependency-cycle"),
    ],
)
@played
async def test_a_package_that_is_refused_leaves_no_trace_but_its_job_and_audit(
    house: House, kit: Kit, code: str
) -> None:
    job = await house.load(kit)
    assert (job.state, job.refusal["code"]) == ("refused", code)
    assert (house.disk.plugins, house.disk.packages, house.disk.data) == ({}, {}, {})
    assert [fields["code"] for fields in house.events("refused")] == [code]


@played
async def test_a_version_means_one_package_for_ever(house: House) -> None:
    await house.do("install", kit=Kit())
    job = await house.do("install", kit=Kit(sequence=2))
    assert (job.state, job.refusal["code"]) == ("refused", "version-differs")


@played
async def test_a_development_package_may_be_replaced_in_place(house: House) -> None:
    kit = Kit(level="dev")
    await house.load(kit)
    await house.do("unload", "hello")
    await house.load(kit.but(sequence=2))
    assert house.disk.packages[("hello", "1.0.0")] == kit.but(sequence=2).data()
    assert house.disk.package_trash == {}


@played
async def test_the_same_package_again_only_loads_it(house: House) -> None:
    await house.do("install", kit=Kit())
    job = await house.load()
    assert house.executed(job.id)[0].kind == "reserve-instance"


@played
async def test_installing_what_is_installed_changes_nothing(house: House) -> None:
    await house.do("install", kit=Kit())
    job = await house.do("install", kit=Kit())
    assert (job.state, job.steps_total) == ("done", 0)


@played
async def test_an_older_version_is_refused_unless_asked_for(house: House) -> None:
    await house.do("install", kit=Kit(version="2.0.0"))
    assert (await house.do("install", kit=Kit())).refusal["code"] == "downgrade"
    assert (await house.do("install", kit=Kit(), downgrade=True)).state == "done"
    assert house.disk.trust.marks["hello"] == "2.0.0"


@played
async def test_a_wider_package_needs_consent(house: House) -> None:
    await house.do("install", kit=Kit())
    wider = Kit(version="1.1.0", storage=1 << 30)
    assert (await house.do("install", kit=wider)).refusal["code"] == "widened"
    assert (await house.do("install", kit=wider, consent=True)).state == "done"


@played
async def test_settings_that_still_fit_are_carried_to_the_next_version(house: House) -> None:
    await house.load()
    await house.do("configure", "hello", values={"word": "hey"})
    plugin = house.supervisor._roster.plugins["hello"]
    plugin.record = replace(plugin.record, config={"word": "hey", "gone": 1, "interval": -1.0})
    await house.do("unload", "hello")
    await house.load(Kit(version="1.1.0"))
    assert house.disk.plugins["hello"].config == {"word": "hey"}


@played
async def test_dependencies_are_loaded_first_by_jobs_of_their_own(house: House) -> None:
    await house.do("install", kit=Kit("base"))
    job = await house.load(Kit("top", needs=(("base", ">=1", False),)))
    assert job.state == "done"
    assert house.supervisor.plugins["base"].state_name == "running"
    assert [view.kind for view in house.supervisor.jobs.values()].count("load") == 2


@played
async def test_a_dependency_that_does_not_load_is_named(house: House) -> None:
    await house.do("install", kit=Kit("base", behaviour={"start": "refuse"}))
    job = await house.load(Kit("top", needs=(("base", ">=1", False),)))
    assert (job.state, job.refusal["code"]) == ("refused", "dependency-failed")
    assert job.refusal["sentence"].startswith("cannot load top: it needs base, which does not load: ")
    assert "top" not in house.disk.plugins


@pytest.mark.parametrize("verb", [Verb.UNLOAD, Verb.REMOVE])
@played
async def test_what_another_needs_stays(house: House, verb: Verb) -> None:
    await house.do("install", kit=Kit("base"))
    await house.load(Kit("top", needs=(("base", ">=1", False),)))
    assert (await house.do(verb, "base")).refusal["code"] == "needed"
    await house.do("unload", "top")
    assert (await house.do(verb, "base")).state == "done"


@played
async def test_an_optional_need_keeps_nothing_loaded(house: House) -> None:
    await house.do("install", kit=Kit("base"))
    await house.load(Kit("top", needs=(("base", ">=1", True),)))
    assert (await house.do("unload", "base")).state == "done"


@played
async def test_bytes_that_changed_in_the_store_are_never_run(house: House) -> None:
    await house.do("install", kit=Kit())
    house.disk.packages[("hello", "1.0.0")] = Kit(sequence=9).data()
    assert (await house.do("load", "hello")).refusal["code"] == "package-changed"
    house.disk.packages[("hello", "1.0.0")] = b"rubbish"
    assert (await house.do("load", "hello")).refusal["code"] == "package-malformed"
    del house.disk.packages[("hello", "1.0.0")]
    assert (await house.do("load", "hello")).refusal["code"] == "package-gone"


@played
async def test_settings_of_a_plugin_are_checked_even_if_its_package_was_not_read_before(house: House) -> None:
    await house.do("install", kit=Kit())
    house.supervisor._roster.plugins["hello"].manifests.clear()
    assert (await house.do("configure", "hello", values={"word": "x"})).state == "done"


@played
async def test_two_that_need_each_other_do_not_wait_for_ever(house: House) -> None:
    """Each holds its turn while it waits for the other's: the second to wait is refused."""
    for name in ("one", "two"):
        await house.do("install", kit=Kit(name))
        plugin = house.supervisor._roster.plugins[name]
        plugin.record = replace(plugin.record, desired="unloaded")
    awaited = house.supervisor._works._awaited
    awaited["two"] = "one"
    top = await house.load(Kit("one", version="1.1.0", needs=(("two", ">=1", False),)))
    assert (top.state, top.refusal["code"]) == ("refused", "dependency-cycle")
    assert awaited == {"two": "one"}


def lint(house: House, word: str) -> None:
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(lint=word)})


SLY = Kit(behaviour={"lint": "error"})


@played
async def test_what_the_lint_refuses_is_neither_stored_nor_run_and_audited_once(house: House) -> None:
    job = await house.load(SLY)
    assert (job.state, job.refusal["code"]) == ("refused", "lint-refused")
    assert (house.disk.plugins, house.disk.packages) == ({}, {})
    assert [fields["code"] for fields in house.events("refused")] == ["lint-refused"]
    with pytest.raises(Refused, match="the lint found"):
        await house.supervisor.plan(house.request("load", kit=SLY, start=True))


@pytest.mark.parametrize("word", ["warn", "off"])
@played
async def test_the_administrator_may_accept_what_the_lint_finds(house: House, word: str) -> None:
    lint(house, word)
    await house.supervisor.reload()
    job = await house.load(SLY)
    assert job.state == "done"
    found = "rules 1\ncode/main.py:1: error" if word == "warn" else ""
    assert house.disk.versions["hello", "1.0.0"].lint == job.result["lint"] == found


@played
async def test_what_was_found_is_remembered_with_the_package(house: House) -> None:
    await house.load(Kit(behaviour={"lint": "warning"}))
    await house.do("unload", "hello")
    looked = len([line for line in house.trace.lines if " lint hello" in line])
    await house.load()
    await house.boot(house.fresh_fate())
    assert looked == 1
    assert len([line for line in house.trace.lines if " lint hello" in line]) == 1


@played
async def test_what_other_rules_found_is_looked_at_again_and_remembered(house: House) -> None:
    await house.do("install", kit=Kit())
    key = ("hello", "1.0.0")
    house.disk.versions[key] = replace(house.disk.versions[key], lint="")
    await house.boot(house.fresh_fate())
    await house.load()
    assert house.disk.versions[key].lint == "rules 1"
    assert house.disk.versions[key].installed > 0


@played
async def test_what_was_accepted_once_is_restored_whatever_the_lint_says_now(house: House) -> None:
    lint(house, "off")
    await house.supervisor.reload()
    await house.load(SLY)
    lint(house, "refuse")
    house.host.processes.clear()
    supervisor = await house.boot(house.fresh_fate())
    assert supervisor.plugins["hello"].state_name == "running"
    await house.do("unload", "hello")
    assert (await house.load(SLY)).refusal["code"] == "lint-refused"


@played
async def test_validation_shows_what_was_found(house: House) -> None:
    kit = Kit(behaviour={"lint": "warning"})
    assert (await house.supervisor.validate(kit.data(), house.root))["findings"] == ["code/main.py:1: warning"]
    said = await house.supervisor.validate(SLY.data(), house.root)
    assert (said["accepted"], said["refusal"]["code"]) == (False, "lint-refused")


@played
async def test_a_lint_that_fails_is_a_failed_load_and_nothing_more(house: House) -> None:
    house.fate.fail = lambda name: name.startswith("lint")
    job = await house.load()
    assert (job.state, job.refusal["code"]) == ("failed", "host-error")
    assert house.disk.plugins == {}
