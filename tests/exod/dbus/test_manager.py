"""The Manager object, over a real bus, against a supervisor that remembers."""

import tempfile

import pytest

from exod.names import job_path
from tests.exod.dbus.rig import Client, Failed, Rig, variants


@pytest.fixture
def package():
    with tempfile.TemporaryFile() as file:
        file.write(b"package bytes")
        file.flush()
        yield file.fileno()


async def test_load_reads_the_descriptor_and_answers_with_a_job_that_has_an_object(rig: Rig, client: Client, package):
    [job] = await client.call("Load", "ha{sv}", [0, variants(start=True)], fds=[package])
    assert job == job_path(1)
    [request] = rig.supervisor.requests
    assert (request.verb, request.package, request.options) == ("load", b"package bytes", {"start": True})
    assert (request.caller.name, request.caller.uid) == (client.name, 0)
    assert await client.get(job, "org.exoos.Exod1.Job", "State") == "queued"


async def test_an_option_that_the_method_does_not_know_is_refused_by_name(rig: Rig, client: Client, package):
    with pytest.raises(Failed) as caught:
        await client.call("Install", "ha{sv}", [0, variants(start=True)], fds=[package])
    assert caught.value.name == "org.exoos.Exod1.Error.InvalidArgs"
    assert caught.value.body[:2] == ['cannot install: there is no option "start"', "unknown-option"]
    assert rig.supervisor.requests == []
