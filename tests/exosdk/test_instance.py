"""What an instance does from its hello on, over a socket pair and without walls."""

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk import hooks, wire
from exosdk import instance as instance_module
from exosdk.post import Post
from exosdk.wire import Call, Failed, Fault, Go, Ping, Pong, Ready, Reply
from tests.exosdk import instances
from tests.exosdk.instances import HELLO, Instance, fresh_imports, pair

HERE = Path(instances.__file__).parent
SERVICE = wire.Service(
    "greeter",
    "a.b",
    (wire.Method("Greet", "s", "s"), wire.Method("Fail", "s", "s")),
    (wire.Signal("Greeted", "s"),),
    (wire.Property("Count", "u", "read"), wire.Property("Tone", "s", "readwrite")),
)


def go(**changes: Any) -> Go:
    fields: dict[str, Any] = {
        "protocol": 1,
        "plugin": "greeter",
        "version": "1",
        "type": "custom",
        "entry": "greeter_plugin:Greeter",
        "config": {"word": "hello"},
        "permissions": {},
        "services": (SERVICE,),
        "call_time": 5.0,
    }
    return Go(**fields | changes)


class Supervisor:
    """The other end, in the hands of the test."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        instance.end.settimeout(5)

    def say(self, frame: wire.Down | bytes) -> None:
        self._instance.end.send(frame if isinstance(frame, bytes) else wire.encode(frame))

    def hear(self) -> wire.Up:
        return wire.decode_up(self._instance.end.recv(wire.MAX_FRAME))

    def ask(self, kind: str, member: str, arguments: Any, number: int = 1) -> wire.Up:
        self.say(Call(number, kind, "greeter", member, wire.pack(arguments), ":1.1", 0, 5.0))
        return self.hear()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with fresh_imports("greeter_plugin"):
        made = Instance(code=HERE, state=tmp_path)
        yield made
        made.end.close()
        made.join()


@pytest.fixture
def supervisor(instance: Instance) -> Supervisor:
    made = Supervisor(instance)
    assert made.hear() == HELLO
    return made


def test_it_is_ready_after_go(supervisor: Supervisor) -> None:
    supervisor.say(go())
    assert supervisor.hear() == Ready(1, ("configure", "health", "start", "stop"), ("greeter",))


@pytest.mark.parametrize(("permissions", "more"), [({}, []), ({"native": ("true",)}, ["lib-dynload"])])
def test_extensions_of_the_standard_library_are_looked_for_only_with_native(
    supervisor: Supervisor, permissions: Any, more: list[str]
) -> None:
    before = list(sys.path)
    supervisor.say(go(permissions=permissions))
    supervisor.hear()
    assert [Path(path).name for path in sys.path[len(before) + 1 :]] == more


def test_it_answers_pings_before_and_after_go(supervisor: Supervisor) -> None:
    supervisor.say(Ping(1))
    assert supervisor.hear() == Pong(1)
    supervisor.say(go())
    supervisor.hear()
    supervisor.say(Ping(2))
    assert supervisor.hear() == Pong(2)


def test_it_echoes_an_epoch_and_says_where_its_hooks_have_left_it(supervisor: Supervisor) -> None:
    supervisor.say(wire.Epoch(9))
    assert supervisor.hear() == wire.Passed(9, "")
    supervisor.say(go())
    supervisor.hear()
    hooks = ("start", "suspend", "resume", "stop")
    echoes = []
    for number, hook in enumerate(hooks, 10):
        supervisor.say(wire.Call(number, "hook", "", hook, wire.pack({}), "exod", 0, 5.0))
        supervisor.say(wire.Epoch(number))
        assert isinstance(supervisor.hear(), wire.Reply)
        echoes.append(supervisor.hear())
    assert echoes == [
        wire.Passed(10, "running"),
        wire.Passed(11, "suspended"),
        wire.Passed(12, "running"),
        wire.Passed(13, "loaded"),
    ]


def test_a_plugin_that_cannot_be_used_is_told_and_serves_nothing(supervisor: Supervisor) -> None:
    supervisor.say(go(entry="greeter_plugin:Nobody"))
    failed = supervisor.hear()
    assert isinstance(failed, Failed)
    assert failed.code == "entry-not-a-class"
    fault = supervisor.ask("method", "Greet", ["x"])
    assert isinstance(fault, Fault)
    assert fault.message == "no plugin is loaded"


def test_whatever_goes_wrong_while_loading_is_an_answer(supervisor: Supervisor) -> None:
    odd = wire.Service("greeter", "a.b", (wire.Method("Greet", "(s", "s"),), (), ())
    supervisor.say(go(services=(odd,)))
    failed = supervisor.hear()
    assert isinstance(failed, Failed)
    assert failed.code == "entry-raised"


def test_the_state_directory_is_given_if_there_is_one(tmp_path: Path) -> None:
    end, theirs = pair()
    post, given = Post(theirs.detach()), []
    for state in (tmp_path, tmp_path / "none"):
        one = instance_module.Runner(post, manager=hooks.manager(), code=str(HERE), state=str(state))
        with fresh_imports("greeter_plugin"):
            one._go(go())
        assert one._serving is not None
        given.append(one._serving.context.state_dir)
    post.close()
    end.close()
    assert given == [str(tmp_path), ""]


def test_timers_run_between_calls(supervisor: Supervisor) -> None:
    supervisor.say(go())
    supervisor.hear()
    supervisor.say(Call(1, "hook", "", "start", wire.pack({}), "exod", 0, 5.0))
    heard = [supervisor.hear(), supervisor.hear(), supervisor.hear()]
    counts = [wire.unpack(frame.properties) for frame in heard if isinstance(frame, wire.Changed)]
    assert isinstance(heard[0], Reply)
    assert counts == [{"Count": 1}, {"Count": 2}]


def test_a_timer_that_raises_does_not_end_the_instance(supervisor: Supervisor, capfd: Any) -> None:
    supervisor.say(go())
    supervisor.hear()
    plugin = sys.modules["greeter_plugin"]
    plugin.Greeter.beat = lambda self: 1 / 0
    supervisor.ask("hook", "start", {})
    while "ZeroDivisionError" not in capfd.readouterr().err:
        supervisor.say(Ping(1))
        supervisor.hear()
    assert isinstance(supervisor.ask("method", "Greet", ["x"]), wire.Emit)


def test_a_property_that_cannot_be_read_when_it_changed_is_only_logged(supervisor: Supervisor, capfd: Any) -> None:
    supervisor.say(go())
    supervisor.hear()
    sys.modules["greeter_plugin"].Greeter.configure = lambda self, values: self.context.changed("Count")
    sys.modules["greeter_plugin"].Greeter.greet = lambda self, name: (
        delattr(self, "count") or self.context.changed("Count")
    )
    assert isinstance(supervisor.ask("method", "Greet", ["x"]), Reply)
    assert "AttributeError" in capfd.readouterr().err


def test_a_plugin_that_exits_by_itself_ends_the_instance(supervisor: Supervisor, instance: Instance) -> None:
    supervisor.say(go())
    supervisor.hear()

    def leave(self: Any, how: str) -> None:
        raise SystemExit(3)

    sys.modules["greeter_plugin"].Greeter.fail = leave
    supervisor.say(Call(1, "method", "greeter", "Fail", wire.pack(["x"]), ":1.1", 0, 5.0))
    assert instance.join() == 3
    assert instance.end.recv(100) == b""


def test_it_leaves_when_told_and_when_nobody_is_left(
    supervisor: Supervisor, instance: Instance, tmp_path: Path
) -> None:
    supervisor.say(wire.Bye())
    assert instance.join() == 0
    lonely = Instance(code=HERE, state=tmp_path)
    lonely.end.close()
    assert lonely.join() == 0


def test_random_state_that_siblings_share_is_made_anew() -> None:
    random.seed(1)
    before = random.getstate()
    tempfile._name_sequence = object()  # type: ignore[attr-defined]
    instance_module.separate_from_siblings()
    assert random.getstate() != before
    assert tempfile._name_sequence is None  # type: ignore[attr-defined]
