"""The channel against a real runner: what a well-behaved instance and its supervisor say to each other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from exod.errors import Outcome, Refused
from exod.supervisor.channel import Channel
from exod.supervisor.ports import Caller, Wanted
from tests.exosdk import instances
from tests.exosdk.instances import NONCE, Heard, Instance, confinement, fresh_imports

HERE = Path(instances.__file__).parent
ADA = Caller(":1.7", 1000)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with fresh_imports("greeter_plugin"):
        made = Instance(code=HERE, state=tmp_path)
        yield made
        made.join()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def channel(instance: Instance, heard: Heard) -> AsyncIterator[Channel]:
    opened = Channel(instance.end, heard)
    await opened.hello(nonce=NONCE, deadline=5)
    await opened.go(confinement(), deadline=5)
    yield opened
    opened.close()


async def test_an_instance_proves_its_nonce_and_tells_its_walls(instance: Instance, heard: Heard) -> None:
    channel = Channel(instance.end, heard)
    walls = await channel.hello(nonce=NONCE, deadline=5)
    assert walls["Seccomp"] == "2"
    channel.close()


async def test_go_is_answered_with_what_the_plugin_turned_out_to_be(instance: Instance, heard: Heard) -> None:
    channel = Channel(instance.end, heard)
    await channel.hello(nonce=NONCE, deadline=5)
    ready = await channel.go(confinement(), deadline=5)
    assert (ready.api, ready.services) == (1, ("greeter",))
    assert ready.hooks == ("configure", "health", "start", "stop")
    channel.close()


async def test_a_method_is_called_with_its_arguments(channel: Channel) -> None:
    assert await channel.ask(Wanted("method", "greeter", "Greet", ["Ada"]), ADA, deadline=5) == ["hello Ada"]
    assert await channel.ask(Wanted("method", "greeter", "Pair", [1, 2]), ADA, deadline=5) == [2, 1]


async def test_a_signal_arrives_before_the_answer(channel: Channel, heard: Heard) -> None:
    await channel.ask(Wanted("method", "greeter", "Greet", ["Ada"]), ADA, deadline=5)
    assert heard.signals == [("greeter", "Greeted", ["Ada"])]


async def test_what_the_plugin_raises_is_a_refusal_with_its_class_and_words(channel: Channel) -> None:
    with pytest.raises(Refused) as caught:
        await channel.ask(Wanted("method", "greeter", "Fail", ["x"]), ADA, deadline=5)
    assert caught.value.refusal.code == "plugin-fault"
    assert caught.value.refusal.evidence == {"class": "KeyError", "message": "'x'"}


async def test_a_plugin_knows_its_caller(channel: Channel) -> None:
    with pytest.raises(Refused) as caught:
        await channel.ask(Wanted("method", "greeter", "Fail", ["caller"]), ADA, deadline=5)
    assert "(':1.7', 1000)" in caught.value.refusal.sentence


async def test_a_result_that_no_message_can_hold_is_a_fault_of_the_plugin(channel: Channel) -> None:
    with pytest.raises(Refused) as caught:
        await channel.ask(Wanted("method", "greeter", "Fail", ["unsendable"]), ADA, deadline=5)
    assert caught.value.refusal.evidence["class"] == "MalformedError"


async def test_properties_are_read_and_written(channel: Channel, heard: Heard) -> None:
    await channel.ask(Wanted("set", "greeter", "Tone", ["loud"]), ADA, deadline=5)
    assert await channel.ask(Wanted("get", "greeter", "Tone"), Caller(":1.7", 1000), deadline=5) == "loud"
    assert heard.properties == [("greeter", {"Tone": "loud"})]


async def test_a_read_only_property_is_not_written(channel: Channel) -> None:
    with pytest.raises(Refused, match="read-only"):
        await channel.ask(Wanted("set", "greeter", "Count", [7]), ADA, deadline=5)


async def test_hooks_run_and_those_not_implemented_return_nothing(channel: Channel) -> None:
    await channel.hook("start", {}, deadline=5)
    await channel.hook("stop", {}, deadline=5)
    assert await channel.hook("health", {}, deadline=5) == "start,stop"
    assert await channel.hook("export_state", {}, deadline=5) is None


async def test_settings_that_the_plugin_does_not_take_are_the_old_ones_again(channel: Channel) -> None:
    with pytest.raises(Refused, match="no bad words"):
        await channel.hook("configure", {"values": {"word": "bad"}}, deadline=5)
    assert await channel.ask(Wanted("method", "greeter", "Greet", ["Ada"]), ADA, deadline=5) == ["hello Ada"]
    await channel.hook("configure", {"values": {"word": "bye"}}, deadline=5)
    assert await channel.ask(Wanted("method", "greeter", "Greet", ["Ada"]), ADA, deadline=5) == ["bye Ada"]


async def test_arguments_that_no_message_can_hold_are_refused_as_misuse(channel: Channel) -> None:
    with pytest.raises(Refused) as caught:
        await channel.ask(Wanted("method", "greeter", "Greet", ["x" * (64 << 10)]), ADA, deadline=5)
    assert (caught.value.refusal.code, caught.value.refusal.outcome) == ("call-too-large", Outcome.USAGE)
