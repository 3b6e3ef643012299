"""The instance's end of the channel."""

import fcntl
import os
import socket
from collections.abc import Iterator

import pytest

from exosdk import wire
from exosdk.post import GoneError, Post
from tests.exosdk.instances import pair
from tests.exosdk.post_office import open_files


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Post]]:
    theirs, mine = pair()
    post = Post(mine.detach())
    yield theirs, post
    post.close()
    theirs.close()


def drain(end: socket.socket) -> list[wire.Up]:
    found = []
    while True:
        try:
            found.append(wire.decode_up(end.recv(wire.MAX_FRAME, socket.MSG_DONTWAIT)))
        except BlockingIOError:
            return found


def test_a_frame_goes_each_way(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    post.send(wire.Pong(3))
    assert drain(end) == [wire.Pong(3)]
    end.send(wire.encode(wire.Ping(4)))
    assert post.wait(5)
    assert post.receive() == wire.Ping(4)


def test_nothing_to_read_is_nothing_and_does_not_block(ends: tuple[socket.socket, Post]) -> None:
    assert not ends[1].wait(0)
    assert ends[1].receive() is None


def test_the_description_that_the_keeper_shares_stays_as_it_was(ends: tuple[socket.socket, Post]) -> None:
    post = ends[1]
    post.send(wire.Pong(1))
    post.receive()
    assert not fcntl.fcntl(post._socket.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK


def test_while_nobody_reads_events_wait_in_order_and_then_are_counted(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    for number in range(2000):
        post.send(wire.Emit("s", "G", wire.pack([number])))
    assert post.lost > 0
    post.send(wire.Pong(7))
    found: list[wire.Up] = []
    while more := drain(end):
        found += more
        post.wait(0)
    events = [wire.unpack(frame.arguments)[0] for frame in found if isinstance(frame, wire.Emit)]
    assert events == list(range(2000 - post.lost))
    assert found[-1] == wire.Pong(7)


def test_a_frame_that_breaks_the_rules_is_refused(ends: tuple[socket.socket, Post]) -> None:
    ends[0].send(b"\x91" * 100)
    with pytest.raises(wire.MalformedError):
        ends[1].receive()


def test_the_end_of_the_other_end_is_noticed_reading_and_writing(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    end.close()
    assert post.wait(5)
    with pytest.raises(GoneError):
        post.receive()
    with pytest.raises(GoneError):
        post.send(wire.Pong(1))


def pass_one(end: socket.socket, frame: wire.Down) -> int:
    """A descriptor that the other side of a pipe is; returns the side that reads."""
    source, sink = os.pipe()
    socket.send_fds(end, [wire.encode(frame)], [sink])
    os.close(sink)
    return source


def test_a_descriptor_comes_with_its_frame_and_is_whose_who_takes_it(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    source = pass_one(end, wire.Ping(1))
    assert post.receive() == wire.Ping(1)
    (descriptor,) = post.take()
    assert not os.get_inheritable(descriptor)
    assert post.take() == ()
    post.close()
    os.write(descriptor, b"x")
    os.close(descriptor)
    assert os.read(source, 9) == b"x"
    os.close(source)


@pytest.mark.parametrize("after", ["receive", "close"])
def test_a_descriptor_that_nobody_takes_is_closed(ends: tuple[socket.socket, Post], after: str) -> None:
    end, post = ends
    source = pass_one(end, wire.Ping(1))
    post.receive()
    getattr(post, after)()
    assert os.read(source, 9) == b""
    os.close(source)


def test_two_descriptors_come_in_their_order(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    passed = [os.eventfd(0), os.eventfd(0)]
    os.eventfd_write(passed[1], 7)
    socket.send_fds(end, [wire.encode(wire.Join(1))], passed)
    assert post.receive() == wire.Join(1)
    memory, bell = post.take()
    assert os.eventfd_read(bell) == 7
    for descriptor in (*passed, memory, bell):
        os.close(descriptor)


def test_more_descriptors_than_any_frame_has_are_not_let_in(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    passed = [os.eventfd(0) for _ in range(4)]
    before = open_files()
    socket.send_fds(end, [wire.encode(wire.Join(1))], passed)
    post.receive()
    assert len(open_files().items() - before.items()) == len(taken := post.take()) == 2
    for descriptor in (*passed, *taken):
        os.close(descriptor)


def test_a_wait_ends_with_a_doorbell_and_that_is_nothing_to_read(ends: tuple[socket.socket, Post]) -> None:
    end, post = ends
    bell = os.eventfd(0)
    post.listen(bell)
    os.eventfd_write(bell, 1)
    assert not post.wait(None)
    end.send(wire.encode(wire.Ping(4)))
    assert post.wait(None)
    os.close(bell)
