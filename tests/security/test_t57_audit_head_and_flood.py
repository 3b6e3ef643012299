"""THREATS 57: an audit log whose head was changed together with the file, or rotated out by a flood; and a tail that
was lost, told from one that was cut.
"""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exoctl.auditlog import INITIAL, Copy, judged, read_key, said
from exoctl.trail import Key, Report
from exod.brokers.config.steps import Config, World
from exod.brokers.questions import USES
from exod.plan.confine import Confinement
from exod.state import chain
from exod.state.audit import Audit, Caps
from exod.state.chain import Head, Record, Seal
from exod.state.sealing import decode, encode
from exod.state.store import Store
from exod.state.writer import Writer
from exod.supervisor.channel import Channel
from exod.supervisor.ledger import Ledger
from exod.supervisor.ports import JobRecord, Want
from exosdk import wire
from tests.exosdk.conversation import live
from tests.exosdk.instances import Heard, Peer, confinement, until

JOB = JobRecord(1, "load", "hello", ":1.7", "done", 1.0, 2.0, "[]", "", "")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    place = tmp_path / "lib"
    place.mkdir(mode=0o700)
    return place


async def fill(state: Path) -> Key:
    """Ten jobs, each audited before it is recorded; and the first key, taken away."""
    async with Store.open(state, data_uid=2146999999) as store:
        for number in range(10):
            store.audit.write("job", {"job": str(number)})
            await store.registry.put_job(JOB)
    key = read_key(str(state / "audit" / INITIAL))
    (state / "audit" / INITIAL).unlink()
    return key


def lines(state: Path) -> list[bytes]:
    [file] = (state / "audit").glob("audit-*")
    return file.read_bytes().splitlines(keepends=True)


def put(state: Path, data: list[bytes]) -> None:
    [file] = (state / "audit").glob("audit-*")
    file.write_bytes(b"".join(data))


def head_of(line: bytes) -> Head:
    row = json.loads(line)
    return Head(row["seq"], row["hash"])


def anew(kept: list[bytes], seal: Seal, *, count: int) -> tuple[list[bytes], Seal]:
    """The log behind `kept` written once more, with the hashes right and whatever key whoever does it has."""
    data, seal = list(kept), Seal(head_of(kept[-1]), seal.key, seal.id)
    for _ in range(count):
        more, seal = chain.line(Record(1.0, "job", "exod", {"job": "innocent"}), after=seal)
        data.append(more)
    return data, seal


def whats(report: Report) -> list[str]:
    return [found.what.split(":")[0] for found in report.findings]


async def test_the_registry_knows_the_end_after_a_clean_stop(state: Path) -> None:
    key = await fill(state)
    report = judged(Copy(str(state)), keys=[key])
    assert (report.holds, report.closed, report.records) == (True, True, 12)
    assert report.remembered is not None
    assert (report.remembered.who, report.remembered.seq) == ("the registry", 12)


async def test_a_head_changed_together_with_the_file_is_found_by_the_registry(state: Path) -> None:
    await fill(state)
    sealing = state / "audit/sealing.key"
    held = decode(sealing.read_bytes())
    assert held
    data, seal = anew(lines(state)[:3], held, count=9)
    put(state, data)
    sealing.write_bytes(encode(seal))
    assert whats(judged(Copy(str(state)))) == ["replaced"]


async def test_one_changed_together_with_the_registry_too_is_found_by_the_first_key(state: Path) -> None:
    key = await fill(state)
    sealing = state / "audit/sealing.key"
    held = decode(sealing.read_bytes())
    assert held
    data, seal = anew(lines(state)[:3], held, count=4)
    put(state, data)
    sealing.write_bytes(encode(seal))
    forget(state, seal.head)
    assert judged(Copy(str(state))).holds, "nothing on that host says otherwise any more"
    found = judged(Copy(str(state)), keys=[key]).findings
    assert [(one.line, one.what[:6]) for one in found] == [(4, "forged"), (7, "the ke")]


async def test_and_by_the_journal_if_that_was_kept_elsewhere(
    state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exod")
    await fill(state)
    journal = tmp_path / "journal"
    journal.write_text("\n".join(record.getMessage() for record in caplog.records))
    assert said(str(journal))[-1].seq == 12
    put(state, lines(state)[:5])
    (state / "audit/sealing.key").unlink()
    forget(state, head_of(lines(state)[-1]))
    assert judged(Copy(str(state))).holds
    assert whats(judged(Copy(str(state)), checkpoints=said(str(journal)))) == [
        f"record {seq} is remembered by {journal} but missing" for seq in (11, 12)
    ]


def forget(state: Path, head: Head) -> None:
    with closing(sqlite3.connect(state / "registry.sqlite")) as database, database:
        database.execute("UPDATE audit SET seq = ?, hash = ?", (head.seq, head.hash))


async def test_a_tail_that_a_power_cut_took_is_no_finding_and_one_that_somebody_cut_is(state: Path) -> None:
    """What reached no disk was in nobody's key either; what was sealed cannot have been lost."""
    writer = Writer()
    audit = await Audit.open(state / "audit", writer=writer, later=lambda *_: None)
    audit.write("refused", {"plugin": "hello"})
    await audit.flush()
    durable = len(lines(state))
    audit.write("state", {"plugin": "hello"})
    await writer.submit(lambda: None)
    assert len(lines(state)) == durable + 1, "written, but not synced"
    await writer.close()
    audit._release()
    whole = lines(state)
    put(state, whole[:durable])
    assert judged(Copy(str(state))).holds
    put(state, whole[: durable - 1])
    assert whats(judged(Copy(str(state)))) == ["record 2 is remembered by the sealing key but missing"]


def every(state: Path) -> list[bytes]:
    return [line for file in sorted((state / "audit").glob("audit-*")) for line in file.read_bytes().splitlines()]


@pytest.mark.slow
async def test_a_flood_of_denials_from_one_plugin_rotates_nothing_out(state: Path) -> None:
    writer = Writer()
    due: list[tuple[float, object]] = []
    audit = await Audit.open(
        state / "audit", writer=writer, caps=Caps(file=40_000, files=2), later=lambda *when: due.append(when)
    )
    ledger = Ledger(audit)
    ledger.note("daemon", what="before the flood")
    for _ in range(100_000):
        ledger.note("strike", "instance 7", "plugin hostile", plugin="hostile", instance=7, reason="it lied")
    for _ in range(100_000):
        audit.write("refused", {"plugin": "hostile"}, source="broker", by="plugin hostile")
    ledger.note("strike", "instance 8", "plugin other", plugin="other", instance=8, reason="once")
    await audit.close()
    await writer.close()
    rows = [json.loads(line) for line in every(state)]
    assert rows[0]["seq"] == 1, "nothing was rotated out"
    assert rows[1]["fields"]["what"] == "before the flood"
    assert sum(row["fields"].get("plugin") == "hostile" for row in rows) == 128
    assert [row["fields"] for row in rows if row["event"] == "audit-flood"] == [
        {"event": "strike", "by": "plugin hostile", "count": "99936"},
        {"event": "refused", "by": "plugin hostile", "count": "99936"},
    ]
    assert sum(row["fields"].get("plugin") == "other" for row in rows) == 1


class Hostile(Heard):
    """An instance's listener: its questions go to the real broker, at a clock that the test turns; it holds nothing."""

    plugin = "hostile"

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.seconds, self.answered = 0.0, 0
        self._channel: Channel | None = None
        world: Any = {
            "read": None,
            "write": None,
            "note": ledger.note,
            "now": lambda: self.seconds,
            "spawn": self.spawn,
        }
        self._broker, self._tasks = Config(World(**world)), set[asyncio.Task[None]]()

    @property
    def confinement(self) -> Confinement:
        return confinement()

    def spawn(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def line(self) -> Any:
        return self

    def tell(self, *_: object) -> bool:
        self.answered += 1
        return True

    def wanted(self, want: Want) -> None:
        self._broker.wanted(self, want)


async def test_denials_through_a_real_channel_are_counted_and_leave_the_records_of_others_alone(state: Path) -> None:
    """Nine seconds of the broker's time, fifty questions in each."""
    writer, peer = Writer(), Peer()
    audit = await Audit.open(state / "audit", writer=writer, caps=Caps(file=40_000, files=2), later=lambda *_: None)
    ledger = Ledger(audit)
    hostile = Hostile(ledger)
    channel = Channel(peer.end, hostile)
    await live(channel, peer)
    while hostile.seconds < 9:
        hostile.seconds += 1.0
        ledger.note("setting", "broker", "plugin other", plugin="other", use="read", key="a.b", refused="")
        for number in range(50):
            peer.say(wire.Want(number, "read", "system.hostname", wire.pack(None)))
        await until(lambda: hostile.answered == 50 * hostile.seconds)
    channel.close()
    peer.close()
    await audit.close()
    await writer.close()
    rows = [json.loads(line) for line in every(state)]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1)), "nothing was rotated out"
    said = [row["fields"] for row in rows if row["event"] == "setting"]
    assert sum(one["plugin"] == "other" for one in said) == 9
    assert sum(one["plugin"] == "hostile" for one in said) == 64
    assert all("does not hold" in one["refused"] for one in said if one["plugin"] == "hostile")
    assert [row["fields"] for row in rows if row["event"] == "audit-flood"] == [
        {"event": "setting", "by": "plugin hostile", "count": str(9 * USES - 64)}
    ]
