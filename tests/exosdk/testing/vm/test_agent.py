"""The guest's agent at one end of a socketpair, the host's conversation at the other: no machine between them."""

import os
import pwd
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from exosdk.testing.vm import CommandFailed, agent
from exosdk.testing.vm.conversation import Conversation, GuestGone


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def host(heard: list[str]) -> Iterator[Conversation]:
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=agent.Agent(theirs.fileno()).serve, kwargs={"idle": 0})
    serving.start()
    conversation = Conversation(ours, hear=heard.append)
    yield conversation
    conversation.close()
    serving.join(20)
    theirs.close()


def test_a_greeting_is_answered_and_what_stood_before_it_is_thrown_away(host: Conversation) -> None:
    host._held += b"the end of something said long ago"
    host.greet(wall=False, deadline=20)
    assert host.start(["echo", "hello"]).wait().out == "hello\n"


def test_a_command_says_how_it_ended(host: Conversation, heard: list[str]) -> None:
    done = host.start(["sh", "-c", "cat; echo err >&2; exit 4"], input=b"given").wait(check=False)
    assert (done.code, done.out, done.err) == (4, "given", "err\n")
    assert sorted(heard) == ["err\n", "given"]
    with pytest.raises(CommandFailed, match="exit 1: false") as caught:
        host.start(["false"]).wait()
    assert caught.value.result.code == 1


def test_several_run_beside_each_other(host: Conversation) -> None:
    waiting = host.start(["sh", "-c", "echo ready; exec sleep infinity"], quiet=True)
    waiting.await_output("ready")
    assert host.start(["echo", "meanwhile"]).wait().out == "meanwhile\n"
    waiting.kill()
    assert waiting.wait(check=False).code == -signal.SIGKILL


def test_who_takes_too_long_is_killed(host: Conversation) -> None:
    running = host.start(["sleep", "infinity"])
    with pytest.raises(TimeoutError, match="sleep infinity"):
        running.wait(timeout=0.01)
    assert running.wait(check=False).code == -signal.SIGKILL


def test_what_cannot_start_is_told(host: Conversation) -> None:
    with pytest.raises(RuntimeError, match="cannot run no-such-tool"):
        host.start(["no-such-tool"]).wait()
    with pytest.raises(RuntimeError, match="KeyError"):
        host.start(["true"], user="nobody-of-that-name").wait()


def test_words_that_never_come_are_told_when_the_command_ends(host: Conversation) -> None:
    with pytest.raises(RuntimeError, match="without saying 'other'"):
        host.start(["echo", "this"]).await_output("other")


def test_a_guest_that_is_gone_is_told_at_once() -> None:
    ours, theirs = socket.socketpair()
    conversation = Conversation(ours, hear=lambda words: None)
    running = conversation.start(["true"])
    theirs.close()
    with pytest.raises(GuestGone):
        running.wait()
    with pytest.raises(GuestGone):
        conversation.start(["true"])
    conversation.close()


def test_a_user_gets_its_own_groups_home_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "ours")
    name = pwd.getpwuid(os.getuid()).pw_name
    script = 'echo "$HOME $USER $SECRET $MINE"; id -u'
    with agent.start({"argv": ["sh", "-c", script], "user": name, "env": {"MINE": "yes"}}) as process:
        said, _ = process.communicate()
    assert said.decode() == f"{pwd.getpwuid(os.getuid()).pw_dir} {name}  yes\n{os.getuid()}\n"
