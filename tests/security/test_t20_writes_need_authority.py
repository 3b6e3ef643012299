"""THREATS 20: writes without authorisation; a caller that dies on the way; authority by name, never by pid."""

import os

import pytest

from exod.dbus import polkit
from exod.dbus.introspect import SHIPPED, shipped
from exod.dbus.wire import BusLost
from exod.names import ROOT_PATH, job_path, plugin_path
from tests.exod.dbus import polkits
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import job_view, plugin_view
from tests.exod.dbus.rig import Failed, Rig

STRANGER = polkits.MAN
PATHS = {"Manager": ROOT_PATH, "Plugin": plugin_path("hello"), "Job": job_path(1)}
BODIES: dict[str, list[object]] = {
    "h": [0],
    "ha{sv}": [0, {}],
    "sha{sv}": ["load", 0, {}],
    "sa{sv}": ["hello", {}],
    "ssa{sv}": ["start", "hello", {}],
    "a{sv}": [{}],
    "s": ["exod"],
    "ss": ["clock", "set it"],
    "st": ["audit-000000000001.jsonl", 0],
    "u": [5],
    "": [],
}
OPEN = {
    "CheckCapability",
    "CheckDependencies",
    "Find",
    "ListByType",
    "ListLoaded",
    "ListLinks",
    "ListTrust",
    "ListUsage",
    "GetInfo",
}
WRITES = [(name, method) for name in SHIPPED for method in shipped(name).methods.values() if method.name not in OPEN]


@pytest.fixture(scope="module")
def bus():
    with rigs.daemon() as daemon, polkits.polkitd(daemon):
        yield daemon


def populate(rig: Rig) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.supervisor.jobs[1] = job_view(1)
    rig.face.plugin("hello")
    rig.face.job(1)
    rig.face.flush()


def test_there_are_writes_to_try() -> None:
    assert len(WRITES) >= 18


@pytest.mark.parametrize(("interface", "method"), WRITES, ids=lambda value: getattr(value, "name", value))
async def test_a_write_without_authorisation_is_refused_and_audited(bus, interface, method) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as root:
        await rigs.owned(root, "org.freedesktop.PolicyKit1")
        populate(rig)
        path = PATHS[interface.rpartition(".")[2]]
        fds = [os.memfd_create("package")] if "h" in method.takes else []
        async with rigs.client_as(rig.address, STRANGER) as client:
            body = BODIES[method.takes]
            with pytest.raises(Failed) as caught:
                await client.call(method.name, method.takes, body, path=path, interface=interface, fds=fds)
        for fd in fds:
            os.close(fd)
        assert caught.value.name == "org.exoos.Exod1.Error.NotAuthorized"
        assert (rig.supervisor.requests, rig.supervisor.cancelled, rig.supervisor.recovered) == ([], [], [])
        assert rig.supervisor.repairs == []
        assert rig.supervisor.let_in == []
        [(refusal, caller, subject)] = rig.supervisor.refusals
        assert (refusal.code, caller.uid, subject) == ("not-authorized", STRANGER, f"{path} {method.name}")


async def test_a_caller_that_dies_while_polkit_thinks_is_refused(bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2021-3560: the answer of an error is a no, and the job never begins."""
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as root:
        await rigs.owned(root, "org.freedesktop.PolicyKit1")
        populate(rig)
        check = polkit.check
        doomed = await rigs.client_as(rig.address, polkits.GAMES).__aenter__()

        async def check_after_death(bus, **arguments):
            doomed.wire.close()
            await gone(root, doomed.name)
            return await check(bus, **arguments)

        monkeypatch.setattr(polkit, "check", check_after_death)
        with pytest.raises(BusLost):
            await doomed.call("Start", path=PATHS["Plugin"], interface="org.exoos.Exod1.Plugin")
        await rigs.until(lambda: rig.supervisor.refusals)
        assert rig.supervisor.requests == []


async def gone(root: rigs.Client, name: str) -> None:
    """The bus notices a death only when it reads the end of the socket; it says so to those who listen."""
    has = [True]
    while has[0]:
        has = await root.call(
            "NameHasOwner",
            "s",
            [name],
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            to="org.freedesktop.DBus",
        )


async def test_polkit_is_asked_about_the_connection_and_about_no_pid() -> None:
    """CVE-2026-78422: a pid may belong to another by the time polkit looks."""
    subjects = []

    class Bus:
        async def call(self, message, **_):
            subjects.append(message.body[0])
            return [[False, False, {}]]

    await polkit.check(Bus(), sender=":1.77", action="a", details={}, interactive=False)
    [(kind, details)] = subjects
    assert (kind, list(details), details["name"].value) == ("system-bus-name", ["name"], ":1.77")


async def test_a_descriptor_is_not_touched_before_its_sender_is_authorised(bus) -> None:
    """Reading a FIFO would wait for ever: a stranger's is closed unread."""
    read: list[int] = []

    async def read_package(fd: int):
        read.append(fd)
        os.close(fd)
        return b""

    async with rigs.serving(bus, read=read_package) as rig, rigs.client(rig.address) as root:
        await rigs.owned(root, "org.freedesktop.PolicyKit1")
        ours, theirs = os.pipe()
        async with rigs.client_as(rig.address, STRANGER) as client:
            with pytest.raises(Failed):
                await client.call("Load", "ha{sv}", [0, {}], fds=[theirs])
        os.close(theirs)
        assert read == []
        await rigs.until(lambda: hung_up(ours))
        os.close(ours)


def hung_up(fd: int) -> bool:
    """End of file comes when the last copy of the other end is closed."""
    os.set_blocking(fd, False)
    try:
        return os.read(fd, 1) == b""
    except BlockingIOError:
        return False
