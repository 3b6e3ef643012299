"""Every way brings what it is given; a peer that fails, or is not there, is named and has no row."""

from functools import partial
from pathlib import Path

import pytest

from bench import ring_peers, rings
from bench.ring_ways import KERNEL, LARGE, SMALL, Peer, Way, ring_turn, two_ways

MAKERS = {**SMALL, **LARGE, **{name: peer.way for name, peer in KERNEL.items()}}


@pytest.mark.parametrize("name", MAKERS)
def test_a_way_brings_every_message_to_another_process(name: str) -> None:
    (cost,) = rings.staged(partial(rings.one_way, MAKERS[name], bytes(600 if name in LARGE else 64), 100))
    assert cost > 0


@pytest.mark.parametrize("waits", [False, True])
def test_each_round_trip_of_a_ring_is_taken(waits: bool) -> None:
    took = rings.staged(partial(rings.round_trips, ring_turn(waits=waits), 20, rings.LAST))
    assert len(took) == 20
    assert min(took) > 0


def broken() -> Way:
    raise OSError("no such thing here")


@pytest.mark.slow
def test_what_fails_is_named_and_has_no_row_and_the_others_have_theirs(capfd: pytest.CaptureFixture[str]) -> None:
    peers = {"broken": Peer(broken, two_ways(broken))}
    rows = {row.id: row for row in rings.rings(peers, rounds=1, messages=100)}
    assert capfd.readouterr().err.count("broken failed and is left out") == 1
    assert "broken" not in {row.peer_name for row in rows.values()}
    assert rows["ring.32.os.pipe"].peer_name == "os.pipe"
    assert {name for name, row in rows.items() if row.aim} == {
        "ring.one-way.32",
        "ring.batch-16.32",
        "ring.lent.4096",
        "ring.round-trip.awake",
        "ring.round-trip.one-core",
        "ring.round-trip.asleep",
        "ring.push",
    }


def test_a_message_larger_than_a_peer_carries_is_not_asked_of_it() -> None:
    rows = rings._rows(1 << 20, {"lent": [1.0], "lent-and-copied": [2.0], "os.pipe": [9.0], "SEQPACKET": []})
    assert [row.peer_name for row in rows if row.id.startswith("ring.1048576")] == ["os.pipe"]


def test_a_peer_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_peers.importlib.util, "find_spec", lambda name: None if name == "zmq" else object())
    with ring_peers.installed(tmp_path, bus="unix:path=/nowhere") as (peers, missing):
        assert missing == ["pyzmq"]
        assert set(peers) == {"posix mq", "iceoryx2", "dbus-fast", "dbus-next", "gRPC"}
