"""THREATS 17 and 45, in real instances: a plugin that writes nonsense into its end of a link, cuts it, keeps what it
was handed, withholds wake-ups, dies. The other one goes on, and what it accepted is what was sent.

What a peer does that runs code of its own choice on mapped memory: tests/exosdk/ring/test_hostile_peer.py.
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
    with opened(tmp_path_factory.mktemp("hostile-links") / "host") as made:
        yield made


@pytest.fixture
def two(talkers: Talkers) -> Iterator[Talkers]:
    """copy-one, which can turn hostile, and copy-two."""
    with talkers.two() as both:
        yield both


def link(two: Talkers) -> None:
    """It keeps the descriptor of what it sends through."""
    two.run("copy-one", "self.turn_hostile()")
    two.run("copy-one", "context.send('copy-two', b'first')")
    two.until("copy-two", "self.heard")


def unharmed(two: Talkers) -> None:
    """It answers, and links with it can be made anew."""
    assert two.run("copy-two", "40 + 2") == 42
    two.run("copy-two", "self.heard.clear()")
    two.until("copy-one", "context.send('copy-two', b'after')", lambda found: found)
    assert two.until("copy-two", "[one for one in self.heard if one[0] == 'copy-one']")


@pytest.mark.parametrize("value", [1, 0x41, 0x80, 0xFF])
def test_nonsense_in_every_word_of_its_memory_breaks_its_own_link_and_nothing_else(two: Talkers, value: int) -> None:
    two.run("copy-one", f"self.turn_hostile({value})")
    two.run("copy-one", "context.send('copy-two', b'first')")
    two.until("copy-one", "context._mail.exchange._outs == {} and [1]")
    two.run(
        "copy-one", "setattr(__import__('exosdk.links').links, 'Producer', __import__('exosdk.ring').ring.Producer)"
    )
    assert two.run("copy-two", "[one[-1] for one in self.heard]") in ([], [b"first"]), "what was sent, or nothing"
    unharmed(two)


def test_a_broken_ring_is_parted_and_audited_in_the_name_of_who_sent(two: Talkers) -> None:
    two.run("copy-one", "self.turn_hostile(255)")
    two.run("copy-one", "context.send('copy-two', b'first')")
    two.until("copy-one", "context._mail.exchange._outs == {} and [1]")
    shown = two.shop.daemon.exoctl("audit", "show", "--event", "link")
    found = [row["fields"] for row in (shown if isinstance(shown, list) else [shown])]
    assert ("copy-one", "copy-two found it broken") in {(row["plugin"], row["refused"]) for row in found}


def test_sealed_memory_is_not_cut_grown_or_written(two: Talkers) -> None:
    link(two)
    for attempt in ("os.ftruncate(self.kept, 0)", "os.ftruncate(self.kept, 1 << 24)", "os.write(self.kept, b'x')"):
        with pytest.raises(CommandFailed, match="PermissionError"):
            two.run("copy-one", attempt)
    unharmed(two)


def test_a_descriptor_is_not_opened_anew_with_more_rights(two: Talkers) -> None:
    """There is no procfs to do it through, and the memory has no mode that would let anybody."""
    link(two)
    with pytest.raises(CommandFailed, match="FileNotFoundError"):
        two.run("copy-one", "os.open(f'/proc/self/fd/{self.kept}', os.O_RDWR)")
    assert two.run("copy-one", "os.fstat(self.kept).st_mode & 0o777") == 0


def test_a_wake_up_that_is_withheld_costs_a_tenth_of_a_second(two: Talkers) -> None:
    """Nothing is rung; the message comes when the other looks by itself."""
    link(two)
    two.run("copy-one", "[out.ring.ring_on(-1) for out in context._mail.exchange._outs.values()]")
    two.run("copy-one", "context.send('copy-two', b'unrung')")
    assert two.until("copy-two", "self.heard[1:]") == [("copy-one", 3, "normal", b"unrung")]


def test_one_that_is_killed_in_mid_write_leaves_no_half_message(two: Talkers) -> None:
    two.run("copy-one", "context.link('copy-two', full='drop-oldest')")
    sending = "[context.send('copy-two', b'%08d' % n * 50) for n in range(900)]"
    two.run("copy-one", f"bool(context.every(0.01, lambda: {sending}))")
    two.until("copy-two", "len(self.heard) > 900")
    os.kill(two.shop.daemon.exoctl("plugin", "info", "copy-one")["process_id"], signal.SIGKILL)
    two.shop.await_state("copy-one", "error")
    wrong = (
        "[one for one in self.heard if one[0] == 'copy-one' and one[-1] != b'first' and one[-1] != one[-1][:8] * 50]"
    )
    assert two.run("copy-two", wrong) == []
    two.again("copy-one")


def test_nothing_that_is_said_of_links_ends_exod_or_keeps_others_from_it(two: Talkers) -> None:
    """Keys as long as a message, claims of what is not, news of no link, ends that are never made, all at once."""
    link(two)
    daemon = two.shop.daemon.exoctl("daemon", "status")["started_at"]
    two.run("copy-one", "[context._mail._tell(kind, 'x' * 65500, None) for kind in self.kinds]")
    long = "'link', 'copy-two' + 'x' * 65480, {'priority': 'bulk'}"
    two.run("copy-one", f"[context._mail._tell({long}) for _ in range(9)]")
    lies = "[[n, 'copy-one', 1, bool(n % 2), 'normal', 32, 4096] for n in range(200)]"
    two.run("copy-one", f"[context._mail._tell('held', '', {lies}) for _ in range(9)]")
    for kind in ("laid", "broken", "subscribe", "leave", "routes"):
        two.run("copy-one", f"[context._mail._tell({kind!r}, str(n), [n]) for n in range(99)]")
    unharmed(two)
    assert two.shop.daemon.exoctl("daemon", "status")["started_at"] == daemon


def test_one_that_never_reads_costs_whoever_sends_to_it_its_own_room(two: Talkers) -> None:
    link(two)
    two.run("copy-two", "setattr(context._mail.exchange, 'running', False)")
    with pytest.raises(CommandFailed, match="the normal link is full"):
        two.run("copy-one", "[context.send('copy-two', bytes(400)) for _ in range(5000)]")
    assert two.run("copy-one", "1 + 1") == 2
    two.run("copy-two", "setattr(context._mail.exchange, 'running', True)")
