"""Messages between plugins in their sandboxes, on a real daemon: every verb of US-004, and what becomes of links when
a plugin, its permission or exod itself goes.
"""

import os
import signal
from collections.abc import Iterator

import pytest

from exosdk.testing.daemon import CommandFailed
from tests.acceptance.talkers import Talkers, opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def talkers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkers]:
    with opened(tmp_path_factory.mktemp("messages") / "host", allow=("ipc=*", "ipc=copy-one", "ipc=copy-two")) as made:
        yield made


@pytest.fixture
def two(talkers: Talkers) -> Iterator[Talkers]:
    """copy-one and copy-two, each of which may talk to any."""
    with talkers.two() as both:
        yield both


def test_a_message_arrives_with_its_sender_type_and_priority(two: Talkers) -> None:
    two.run("copy-one", "context.send('copy-two', b'x' * 64)")
    two.run("copy-one", "context.send('copy-two', b'now', type=7, priority='urgent')")
    heard = two.until("copy-two", "self.heard", lambda found: len(found) == 2)
    assert sorted(heard) == [("copy-one", 3, "normal", b"x" * 64), ("copy-one", 7, "urgent", b"now")]
    assert two.links() == [("copy-one", "copy-two", "normal"), ("copy-one", "copy-two", "urgent")]


def test_a_request_is_answered_and_a_megabyte_arrives(two: Talkers) -> None:
    two.run("copy-two", "setattr(self, 'answer', lambda message: b'%d' % message.size)")
    two.run("copy-one", "context.link('copy-two', arena=4 << 20)")
    two.run("copy-one", "context.request('copy-two', bytes(1 << 20), self.then)")
    assert two.until("copy-one", "self.told") == [(b"1048576", "")]


def test_what_the_other_raises_is_the_answer(two: Talkers) -> None:
    two.run("copy-two", "setattr(self, 'answer', lambda message: 1 / 0)")
    two.run("copy-one", "context.request('copy-two', b'', self.then)")
    assert two.until("copy-one", "self.told") == [(None, "ZeroDivisionError: division by zero")]


def test_a_service_is_called_as_it_is_declared_and_only_so(two: Talkers) -> None:
    two.run("copy-one", "context.service('copy-two').Add(40, 2, then=self.then)")
    two.run("copy-one", "context.service('copy-two/talker').Add('40', 2, then=self.then)")
    two.run("copy-one", "context.service('copy-two').Gone(then=self.then)")
    told = two.until("copy-one", "self.told", lambda found: len(found) == 3)
    assert told[0] == (42, "")
    assert [refused.partition(":")[0] for _, refused in told[1:]] == ["MalformedError", "MalformedError"]


def test_a_coroutine_awaits_what_another_plugin_says(two: Talkers) -> None:
    two.run("copy-two", "setattr(self, 'answer', lambda message: b'answered ' + message.data)")
    two.run("copy-one", "self.await_answer('copy-two')")
    assert two.until("copy-one", "self.told") == [(b"answered asked", 42)]


def test_a_broadcast_goes_to_all_of_a_type(two: Talkers) -> None:
    two.load("copy-model", ('type = "custom"', 'type = "ai-model"'))
    two.run("copy-one", "context.broadcast('custom', b'all', self.then)")
    assert two.until("copy-one", "self.told") == [(["copy-two"], "")]
    two.run("copy-one", "context.broadcast('ai-model', b'models')")
    assert two.until("copy-model", "self.heard") == [("copy-one", 5, "normal", b"models")]
    assert two.until("copy-two", "self.heard") == [("copy-one", 5, "normal", b"all")]
    two.gone("copy-model")


def test_what_is_published_comes_to_who_subscribed(two: Talkers) -> None:
    two.run("copy-two", "context.subscribe('copy-one/cpu/*', lambda m: self.heard.append((m.topic, bytes(m.data))))")
    two.run("copy-two", "context.subscribe(6, lambda m: self.heard.append((m.type, bytes(m.data))))")
    for topic in ("cpu/busy", "memory"):
        two.run("copy-one", f"context.publish('{topic}', b'1')")
    two.run("copy-one", "context.publish('memory', b'2', type=6)")
    heard = two.until("copy-two", "self.heard", lambda found: len(found) == 2)
    assert heard == [("copy-one/cpu/busy", b"1"), (6, b"2")]


def test_what_no_hook_takes_is_received(two: Talkers) -> None:
    """In one call, which the hook of the same plugin cannot interrupt."""
    two.run("copy-two", "setattr(self, 'answer', lambda message: context.send('copy-one', b'pulled'))")
    found = two.run("copy-one", "context.send('copy-two', b'go') and bytes(context.receive(10.0).data)")
    assert found == b"pulled"
    assert two.run("copy-one", "self.heard") == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_supervisors_types_are_its_own(two: Talkers, number: int) -> None:
    with pytest.raises(CommandFailed, match="messages of type"):
        two.run("copy-one", f"context.send('copy-two', b'', type={number})")


def test_without_the_others_name_there_is_no_link(talkers: Talkers) -> None:
    talkers.load("copy-one", ('ipc = ["*"]', 'ipc = ["copy-two"]'))
    talkers.load("copy-two", ('ipc = ["*"]', 'ipc = ["copy-two"]'))
    talkers.run("copy-one", "context.request('copy-two', b'', self.then)")
    [(value, refused)] = talkers.until("copy-one", "self.told")
    assert value is None
    assert "copy-two was not granted ipc with copy-one" in refused
    assert talkers.links() == []
    talkers.gone("copy-one", "copy-two")


def test_one_that_is_killed_is_told_to_who_waited_for_it_and_its_next_life_is_reached(two: Talkers) -> None:
    two.run("copy-two", "setattr(self, 'answer', lambda message: self.context.clock.sleep(60))")
    two.run("copy-one", "context.request('copy-two', b'', self.then, seconds=60)")
    two.until("copy-one", "self.context._mail.exchange.counts()[0]")
    os.kill(two.shop.daemon.exoctl("plugin", "info", "copy-two")["process_id"], signal.SIGKILL)
    assert two.until("copy-one", "self.told") == [(None, "instance-lost: copy-two is gone")]
    two.shop.await_state("copy-two", "error")
    two.again("copy-two")
    two.until("copy-one", "context.send('copy-two', b'again')")
    assert two.until("copy-two", "self.heard") == [("copy-one", 3, "normal", b"again")]


def test_a_permission_that_goes_takes_the_links_with_it(two: Talkers) -> None:
    two.run("copy-one", "context.send('copy-two', b'x')")
    two.until("copy-two", "self.heard")
    first = two.shop.daemon.exoctl("plugin", "info", "copy-two")["process_id"]
    two.policy("copy-two", 'deny = ["ipc"]\n')
    two.shop.await_process("copy-two", other_than=first)
    assert two.links() == []
    two.policy("copy-two", "")


def test_links_go_on_while_exod_is_restarted_and_are_known_to_the_next(two: Talkers) -> None:
    two.run("copy-one", "context.send('copy-two', b'1')")
    two.until("copy-two", "self.heard")
    before = two.links()
    daemon = two.shop.daemon
    daemon.kill()
    daemon.start()
    assert two.until("copy-one", "[context.send('copy-two', b'2')]")
    assert len(two.until("copy-two", "self.heard", lambda found: len(found) == 2)) == 2
    assert two.links() == before
