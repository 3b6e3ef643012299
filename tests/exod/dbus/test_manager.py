"""The Manager object, over a real bus, against a supervisor that remembers."""

import os
import tempfile
from collections.abc import Iterator

import pytest

from exod.errors import Outcome, Refusal
from exod.names import ROOT_PATH, job_path, plugin_path
from exod.supervisor.ports import Caller
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import plugin_view
from tests.exod.dbus.rig import MANAGER, PROPERTIES, Client, Failed, Rig, variants


@pytest.fixture
def package() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(b"package bytes")
        file.flush()
        yield file.fileno()


async def test_load_reads_the_descriptor_and_answers_with_a_job_that_has_an_object(
    rig: Rig, client: Client, package: int
) -> None:
    [job] = await client.call("Load", "ha{sv}", [0, variants(start=True)], fds=[package])
    assert job == job_path(1)
    [request] = rig.supervisor.requests
    assert (request.verb, request.package, request.options) == ("load", b"package bytes", {"start": True})
    assert (request.caller.name, request.caller.uid) == (client.name, 0)
    assert await client.get(job, "org.exoos.Exod1.Job", "State") == "queued"


async def test_an_option_that_the_method_does_not_know_is_refused_by_name(
    rig: Rig, client: Client, package: int
) -> None:
    with pytest.raises(Failed) as caught:
        await client.call("Install", "ha{sv}", [0, variants(start=True)], fds=[package])
    assert caught.value.name == "org.exoos.Exod1.Error.InvalidArgs"
    assert caught.value.body[:2] == ['cannot install package: there is no option "start"', "unknown-option"]
    assert rig.supervisor.requests == []


async def test_an_option_of_the_wrong_type_is_refused(rig: Rig, client: Client, package: int) -> None:
    with pytest.raises(Failed, match="wrong type"):
        await client.call("Load", "ha{sv}", [0, variants(start="yes")], fds=[package])


async def test_a_package_that_cannot_be_read_is_refused_with_its_reason(bus_daemon: rigs.Daemon, package: int) -> None:
    async def read(fd: int) -> Refusal:
        os.close(fd)
        return Refusal("no-file", "cannot read the package: it is no regular file", outcome=Outcome.USAGE)

    async with rigs.serving(bus_daemon, read=read) as rig, rigs.client(rig.address) as client:
        with pytest.raises(Failed, match="no regular file"):
            await client.call("Validate", "h", [0], fds=[package])


@pytest.mark.parametrize(("index", "count"), [(1, 1), (0, 0), (0, 2)])
async def test_the_descriptor_must_be_there_once(
    rig: Rig, client: Client, package: int, index: int, count: int
) -> None:
    # The shipped policy stops two descriptors on the bus already.
    with pytest.raises(Failed) as caught:
        await client.call("Load", "ha{sv}", [index, {}], fds=[package] * count)
    assert caught.value.name.rpartition(".")[2] in ("InvalidArgs", "AccessDenied")


async def test_validate_gives_the_whole_context(client: Client, package: int) -> None:
    [context] = await client.call("Validate", "h", [0], fds=[package])
    assert {name: value.signature for name, value in context.items()} == {
        "accepted": "b",
        "size": "x",
        "capabilities": "as",
        "limits": "a{sv}",
        "ratio": "d",
    }


async def test_a_dry_run_gives_the_steps_in_words(rig: Rig, client: Client, package: int) -> None:
    steps = [["fork hello 1.0.0 into its sandbox", "let hello 1.0.0 import its code"]]
    assert await client.call("Plan", "ssa{sv}", ["configure", "hello", {}]) == steps
    assert await client.call("PlanPackage", "sha{sv}", ["load", 0, {}], fds=[package]) == steps
    assert [request.package for request in rig.supervisor.requests] == [None, b"package bytes"]
    for verb in ("install", "restore", "dance"):
        with pytest.raises(Failed, match="no verb"):
            await client.call("Plan", "ssa{sv}", [verb, "hello", {}])
    with pytest.raises(Failed, match="no option"):
        await client.call("Plan", "ssa{sv}", ["start", "hello", variants(purge=True)])
    with pytest.raises(Failed, match="NotFound"):
        await client.call("Plan", "ssa{sv}", ["start", "nope", {}])


async def test_remove_is_a_job(rig: Rig, client: Client) -> None:
    assert await client.call("Remove", "sa{sv}", ["hello", variants(purge=True)]) == [job_path(1)]
    assert rig.supervisor.requests[0].options == {"purge": True}


async def test_questions_are_answered(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins |= {
        "hello": plugin_view("hello"),
        "quiet": plugin_view("quiet", state=0, type="ai-model"),
    }
    assert await client.call("Find", "s", ["hello"]) == [plugin_path("hello")]
    assert await client.call("ListByType", "s", ["ai-model"]) == [[plugin_path("quiet")]]
    assert await client.call("ListLoaded") == [[plugin_path("hello")]]
    assert await client.call("CheckCapability", "ss", ["hello", "files"]) == [True, "granted"]
    assert await client.call("CheckDependencies", "s", ["hello"]) == [[["base", ">=1", "satisfied", "1.2.0"]]]
    assert await client.call("ListTrust") == [[{"name": "lab", "level": "full"}]]
    for member, argument, name in (("Find", "nope", "NotFound"), ("ListByType", "nope", "InvalidArgs")):
        with pytest.raises(Failed, match=name):
            await client.call(member, "s", [argument])
    with pytest.raises(Failed) as caught:
        await client.call("CheckCapability", "ss", ["nope", "files"])
    assert caught.value.body == ["cannot check nope: no", "unknown-plugin", "look", {"a": "b"}]


async def test_trust_is_read_again_and_recovered(rig: Rig, client: Client) -> None:
    assert await client.call("Reload") == [["trust: 1 anchor more"]]
    assert await client.call("RecoverTrust") == []
    assert [caller.uid for caller in rig.supervisor.recovered] == [0]


async def test_a_part_is_executed_again_if_there_is_such_a_part(rig: Rig, client: Client) -> None:
    for part in ("exod", "keeper"):
        assert await client.call("Reexecute", "s", [part]) == []
    assert rig.supervisor.reexecuted == ["exod", "keeper"]
    with pytest.raises(Failed, match="InvalidArgs"):
        await client.call("Reexecute", "s", ["nope"])


async def test_the_host_is_examined_and_a_repair_is_recorded_by_name(rig: Rig, client: Client) -> None:
    assert await client.call("Doctor") == [[{"id": "clock", "level": "ok"}]]
    assert await client.call("Repairing", "ss", ["clock", "set it"]) == []
    [(check, what, caller)] = rig.supervisor.repairs
    assert (check, what, caller.name) == ("clock", "set it", client.name)


async def test_its_properties_are_the_daemons(rig: Rig, client: Client) -> None:
    [values] = await client.call("GetAll", "s", [MANAGER], path=ROOT_PATH, interface=PROPERTIES)
    assert {name: value.value for name, value in values.items()} == {
        "Version": "0.1.0",
        "ApiLevel": 1,
        "State": "running",
        "Mode": "development",
        "Degraded": {"dev": "only for development"},
        "Phases": {"critical": 5_000_000},
        "Zygotes": [["lab", "trusted", "in-use", 70, 6_000_000]],
        "StartedAt": 1_700_000_000,
    }


async def test_what_all_instances_use_is_one_answer(rig: Rig, client: Client) -> None:
    [rows] = await client.call("ListUsage")
    assert rows == [[7, "hello", "running", 2, 1 << 20, 12.5, 1, 8, 2.0, 512, 3.5]]


async def test_links_are_rows_of_what_both_ends_counted(client: Client) -> None:
    [rows] = await client.call("ListLinks")
    assert rows == [[9, "hello", "echo", "normal", 256, 4096, 3, 30, 0, 1, 2, 0, 8.0, 16.0]]


async def test_the_audit_is_read_in_pieces(client: Client) -> None:
    assert await client.call("ListAudit") == [[["audit-000000000001.jsonl", 7]], {"seq": "7"}]
    assert await client.call("ReadAudit", "st", ["audit-000000000001.jsonl", 5]) == [b"audit-000000000001.jsonl@5"]


async def test_each_call_that_may_change_something_is_audited_with_its_caller(
    rig: Rig, client: Client, package: int
) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    await client.call("Load", "ha{sv}", [0, {}], fds=[package])
    await client.call("Reload")
    await client.call("Unload", path=plugin_path("hello"), interface=rigs.PLUGIN)
    await client.call("Cancel", path=job_path(1), interface="org.exoos.Exod1.Job")
    assert rig.supervisor.let_in == [
        (Caller(client.name, 0), f"{path} {member}")
        for path, member in [
            (ROOT_PATH, "Load"),
            (ROOT_PATH, "Reload"),
            (plugin_path("hello"), "Unload"),
            (job_path(1), "Cancel"),
        ]
    ]


async def test_reading_is_not_audited_and_calls_of_services_are_not_either(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    await client.call("ListAudit")
    await client.call("ListTrust")
    await client.call("GetLogs", "u", [1], path=plugin_path("hello"), interface=rigs.PLUGIN)
    assert rig.supervisor.let_in == []
