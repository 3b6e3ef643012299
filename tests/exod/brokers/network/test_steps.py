"""Questions for connections: over a real channel to a plugin in a thread, to listeners of this test on loopback."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from exod.brokers.network import facts
from exod.brokers.network.dialling import dial
from exod.brokers.network.rules import Address
from exod.brokers.network.steps import AT_ONCE, Network, World
from exod.brokers.questions import USES
from exod.errors import Refusal, Refused
from exod.package.limits import Limits
from exod.package.services import Method, Service
from exod.plan.confine import Confinement
from exod.supervisor.channel import Channel
from exod.supervisor.ports import Caller, Want, Wanted
from exosdk import wire
from tests.exosdk.instances import NONCE, Heard, Instance, confinement, fresh_imports, until

PUBLIC = ip_address("93.184.216.34")
HERE = ip_address("127.0.0.1")


@dataclass
class Asking:
    """An instance with a line that remembers what it was given. Names have the addresses that `names` says, one answer
    after the other; whatever is dialled leads to `server`."""

    server: socket.socket
    held: tuple[str, ...] = ("tcp:example.org:443", "tcp:*.example.net:80")
    most: int = 16
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    taken: bool = True
    seconds: float = 0.0
    plugin: str = "hello"
    given: list[tuple[int, Any, str]] = field(default_factory=list)
    ends: list[socket.socket] = field(default_factory=list)
    dialled: list[list[Address]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        world = World(self.note, lambda: self.seconds, self.spawn, self.resolve, self.dial, self.is_own)
        self.broker = Network(world)

    @property
    def confinement(self) -> Confinement:
        limits = Limits(connections=self.most)
        return replace(confinement(), permissions={"network": self.held}, limits=limits)

    def line(self) -> Any:
        return self

    def tell(self, frame: wire.Given, *descriptors: int) -> bool:
        if not descriptors:
            self.given.append((frame.id, wire.unpack(frame.value), frame.refused))
            return True
        if self.taken:
            self.ends.append(socket.socket(fileno=socket.dup(descriptors[0])))
            self.given.append((frame.id, "connected", ""))
        return self.taken

    def note(self, event: str, source: str, by: str, /, **fields: Any) -> None:
        assert (event, source, by) == ("connection", "broker", f"plugin {fields['plugin']}")
        self.audit.append(fields)

    def spawn(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def resolve(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        answers = self.names.get(name, [[]])
        return [ip_address(one) for one in (answers.pop(0) if len(answers) > 1 else answers[0])]

    async def dial(self, addresses: Sequence[Address], port: int) -> socket.socket:
        self.dialled.append(list(addresses))
        await self.gate.wait()
        return await dial([HERE], self.server.getsockname()[1] if addresses != [HERE] else port)

    def is_own(self, address: Address) -> bool:
        return str(address) in self.own

    async def ask(self, place: str) -> tuple[Any, str]:
        self.broker.wanted(self, Want(len(self.given), "connect", place, None))
        await self.tasks[-1]
        return self.given[-1][1:]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as found:
        yield found


@pytest.fixture
def asking(server: socket.socket) -> Iterator[Asking]:
    found = Asking(server, names={"example.org": [[str(PUBLIC)]], "a.example.net": [[str(PUBLIC)]]})
    yield found
    for end in found.ends:
        end.close()


async def test_what_is_held_is_connected_and_audited(asking: Asking) -> None:
    assert await asking.ask("example.org:443") == ("connected", "")
    assert asking.ends[0].getpeername() == asking.server.getsockname()
    assert asking.audit == [{"plugin": "hello", "to": "example.org:443", "address": "127.0.0.1", "refused": ""}]


async def test_a_name_below_a_granted_one_is_connected(asking: Asking) -> None:
    assert await asking.ask("a.example.net:80") == ("connected", "")


@pytest.mark.parametrize(
    "place", ["example.org:80", "example.net:80", "EXAMPLE.ORG:443", "example.org.:443", "2130706433:443", "a\n:1", ""]
)
async def test_what_is_not_held_is_refused_and_audited_and_nobody_is_asked_for_it(asking: Asking, place: str) -> None:
    value, refused = await asking.ask(place)
    assert (value, bool(refused)) == (None, True)
    assert (asking.asked, asking.dialled) == ([], [])
    assert asking.audit[-1]["refused"] == refused
    assert "\n" not in str(asking.audit[-1])


async def test_what_is_taken_back_is_refused_at_the_next_use(asking: Asking) -> None:
    assert await asking.ask("example.org:443") == ("connected", "")
    asking.held = ()
    assert "does not hold tcp:example.org:443" in (await asking.ask("example.org:443"))[1]


async def test_what_is_taken_back_while_it_is_being_connected_is_not_handed_over(asking: Asking) -> None:
    asking.gate.clear()
    asking.broker.wanted(asking, Want(1, "connect", "example.org:443", None))
    await until(lambda: asking.dialled)
    asking.held = ()
    asking.gate.set()
    await asking.tasks[-1]
    assert asking.ends == []
    assert "does not hold" in asking.given[-1][2]


INSIDE = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "224.0.0.1", "0.0.0.0", "fe80::1"]


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_into_this_host_or_its_networks_is_refused(asking: Asking, address: str) -> None:
    asking.names["example.org"] = [[address]]
    assert "leads into this host" in (await asking.ask("example.org:443"))[1]
    assert asking.dialled == []
    assert asking.audit[-1]["address"] == str(ip_address(address))


async def test_a_public_address_of_this_very_host_is_refused(asking: Asking) -> None:
    asking.own = (str(PUBLIC),)
    assert "leads into this host" in (await asking.ask("example.org:443"))[1]


async def test_of_several_addresses_only_fit_ones_are_tried(asking: Asking) -> None:
    asking.names["example.org"] = [["127.0.0.1", str(PUBLIC), "169.254.169.254"]]
    assert await asking.ask("example.org:443") == ("connected", "")
    assert asking.dialled == [[PUBLIC]]


async def test_an_answer_that_changes_changes_nothing_of_a_connection_and_is_looked_at_anew(asking: Asking) -> None:
    asking.names["example.org"] = [[str(PUBLIC)], ["127.0.0.1"]]
    assert await asking.ask("example.org:443") == ("connected", "")
    assert (asking.asked, asking.dialled) == (["example.org"], [[PUBLIC]]), "asked once, and that is dialled"
    assert "leads into this host" in (await asking.ask("example.org:443"))[1]
    assert asking.dialled == [[PUBLIC]]


async def test_a_name_without_addresses_is_said(asking: Asking) -> None:
    asking.names["example.org"] = [[]]
    assert (await asking.ask("example.org:443"))[1] == "cannot connect to example.org:443: the name has no address"


async def test_an_address_that_is_named_literally_is_connected_wherever_it_is(asking: Asking) -> None:
    port = asking.server.getsockname()[1]
    asking.held = (f"tcp:127.0.0.1:{port}",)
    assert await asking.ask(f"127.0.0.1:{port}") == ("connected", "")
    assert asking.asked == []


async def test_nobody_there_is_said(asking: Asking) -> None:
    asking.server.close()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        asking.held = (f"tcp:127.0.0.1:{port}",)
        refused = (await asking.ask(f"127.0.0.1:{port}"))[1]
    assert refused.startswith(f"cannot connect to 127.0.0.1:{port}: ")
    assert "refused" in refused
    assert asking.audit[-1]["refused"] == refused


async def test_as_many_connections_as_its_limit_says_and_another_when_one_is_closed(asking: Asking) -> None:
    asking.most = 2
    assert [(await asking.ask("example.org:443"))[0] for _ in range(2)] == ["connected"] * 2
    assert "the plugin has 2 connections" in (await asking.ask("example.org:443"))[1]
    with asking.ends[0].dup():
        asking.ends[0].close()
        assert "the plugin has 2 connections" in (await asking.ask("example.org:443"))[1], "a copy is open"
    assert (await asking.ask("example.org:443"))[0] == "connected"


async def test_a_few_at_once_and_they_count_as_connections(asking: Asking) -> None:
    asking.gate.clear()
    for number in range(AT_ONCE):
        asking.broker.wanted(asking, Want(number, "connect", "example.org:443", None))
    assert f"{AT_ONCE} connections are being made" in (await asking.ask("example.org:443"))[1]
    asking.gate.set()
    await asyncio.gather(*asking.tasks)
    assert len(asking.ends) == AT_ONCE
    asking.most = AT_ONCE
    assert f"the plugin has {AT_ONCE} connections" in (await asking.ask("example.org:443"))[1]


async def test_a_flood_of_questions_costs_exod_no_descriptor(asking: Asking) -> None:
    asking.most = 8
    before = len(os.listdir("/proc/self/fd"))
    for number in range(1000):
        asking.seconds = number / 10
        asking.broker.wanted(asking, Want(number, "connect", "example.org:443", None))
        if number % 50 == 0:
            await asyncio.gather(*asking.tasks)
    await asyncio.gather(*asking.tasks)
    assert len(asking.given) == 1000
    assert len(asking.ends) == 8
    assert len(os.listdir("/proc/self/fd")) == before + 8, "what the plugin holds here, and nothing of exod's"


async def test_more_than_so_many_a_second_are_refused_and_cost_the_audit_nothing(asking: Asking) -> None:
    answers = [await asking.ask("example.org:80") for _ in range(USES + 1)]
    assert "questions a second" in answers[-1][1]
    assert len(asking.audit) == USES
    asking.seconds = 1.0
    assert (await asking.ask("example.org:443"))[0] == "connected"


async def test_what_the_plugin_does_not_take_is_closed_and_not_counted(asking: Asking) -> None:
    asking.taken = False
    assert "does not read" in (await asking.ask("example.org:443"))[1]
    with asking.server.accept()[0] as peer:
        assert peer.recv(1) == b""
    asking.taken, asking.most = True, 1
    assert (await asking.ask("example.org:443"))[0] == "connected"


async def test_one_that_is_gone_gets_nothing_and_no_connection_stays(asking: Asking) -> None:
    def gone() -> Any:
        raise Refused(Refusal("instance-lost", "cannot reach hello: it is gone"))

    asking.line = gone  # type: ignore[method-assign]
    asking.broker.wanted(asking, Want(1, "connect", "example.org:443", None))
    await asking.tasks[-1]
    with asking.server.accept()[0] as peer:
        assert peer.recv(1) == b""


async def test_where_the_kernel_does_not_count_nobody_is_connected(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_held: Any) -> Any:
        raise OSError(93, "Protocol not supported")

    asking.broker._world = replace(asking.broker._world, still_held=silent)
    assert (await asking.ask("example.org:443"))[1] == "cannot connect to example.org:443: Protocol not supported"


# --- over a channel ---------------------------------------------------------------------------------------------------

PLUGIN = """
class Caller:
    def __init__(self, context):
        self.context, self.said, self.end = context, [], None
    def dial(self, host, port):
        self.context.connect(host, port, self.told)
    def told(self, end, refused):
        self.said.append(refused)
        if end is not None:
            end.sendall(b"hello " + str(end.gettimeout()).encode())
            self.end = end
    def heard(self):
        return self.said
    def hang_up(self):
        self.end.close()
"""


class Line(Heard):
    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self.asking = asking

    def wanted(self, want: Want) -> None:
        self.asking.broker.wanted(self.asking, want)


@pytest.fixture
async def caller(asking: Asking, tmp_path: Path) -> AsyncIterator[Channel]:
    (tmp_path / "dialler.py").write_text(PLUGIN)
    methods = (Method("Dial", "si"), Method("Heard", "", "as"), Method("HangUp"))
    confined = confinement(entry="dialler:Caller", services=(Service("s", "org.example.S", methods=methods),))
    with fresh_imports("dialler"):
        instance = Instance(code=tmp_path, state=tmp_path / "none")
        channel = Channel(instance.end, Line(asking))
        asking.line = lambda: channel  # type: ignore[method-assign]
        await channel.hello(nonce=NONCE, deadline=5)
        await channel.go(confined, deadline=5)
        yield channel
        channel.close()
        await asyncio.to_thread(instance.join)


async def say(channel: Channel, method: str, *arguments: Any) -> Any:
    return await channel.ask(Wanted("method", "s", method, arguments), Caller(":1.1", 0), deadline=5)


async def heard(channel: Channel, *, answers: int) -> list[str]:
    said: list[str] = []
    while len(said) < answers:
        (said,) = await say(channel, "Heard")
    return said


async def test_a_plugin_is_connected_over_its_channel_and_talks(caller: Channel, asking: Asking) -> None:
    port = asking.server.getsockname()[1]
    asking.held = (f"tcp:127.0.0.1:{port}",)
    await say(caller, "Dial", "127.0.0.1", port)
    assert await heard(caller, answers=1) == [""]
    with asking.server.accept()[0] as peer:
        assert peer.recv(64) == b"hello 5.0"
        await say(caller, "HangUp")
        assert peer.recv(1) == b"", "nobody else holds it"


async def test_a_plugin_without_the_grant_is_told_why(caller: Channel, asking: Asking) -> None:
    asking.held = ()
    await say(caller, "Dial", "127.0.0.1", 7)
    await say(caller, "Dial", "::1", 7)
    refused = await heard(caller, answers=2)
    assert "does not hold tcp:127.0.0.1:7" in refused[0]
    assert "does not hold tcp:[::1]:7" in refused[1]
    with suppress(BlockingIOError):
        asking.server.setblocking(False)
        asking.server.accept()[0].close()
        pytest.fail("somebody was connected")


async def test_what_was_handed_over_is_what_the_kernel_counts(asking: Asking) -> None:
    assert await asking.ask("example.org:443") == ("connected", "")
    [held] = asking.broker._open["hello"]
    assert facts.still_held([held]) == [held]
