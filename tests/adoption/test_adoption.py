"""A share of `make soak`'s kills, the death of the keeper, and what the judge of all that sees."""

import os
import signal
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exod.dbus.codec import RETURN, Header
from tests.acceptance.residue import left
from tests.adoption.callers import Ledger
from tests.adoption.findings import Findings
from tests.adoption.fleet import fleet
from tests.adoption.kills import Kill, Killer
from tests.exod.dbus.rig import Client

pytestmark = pytest.mark.timeout(900)
"""A host that does ten other things is slow, and nothing is wrong."""
KILLS = 200
Record = Callable[[str, object], None]


@pytest.mark.slow
async def test_no_instance_and_no_call_suffers_from_two_hundred_kills(tmp_path: Path, record_property: Record) -> None:
    kills: list[Kill] = []
    async with fleet(tmp_path / "dev") as fifty:
        await Killer(fifty).run(range(KILLS), report=kills.append)
        last = Findings()
        await fifty.hush(last)
        assert await fifty.stop() == 0
    assert {kill.number: kill.faults for kill in kills if kill.faults} == {}
    assert (len(kills), last, left(tmp_path / "dev")) == (KILLS, Findings(), [])
    took, cpu = ([getattr(kill, name) for kill in kills if kill.seconds] for name in ("seconds", "cpu"))
    answered, failed = sum(map(len, fifty.ledger.answered.values())), fifty.ledger.failed.total()
    record_property(
        "figures",
        f"adoption: {KILLS} kills; {len(took)} times from exec to all 50 shown: p50 {statistics.median(took):.3f} s "
        f"(exod's own work {statistics.median(cpu):.3f} s), max {max(took):.3f} s; "
        f"calls: {answered} answered once, {failed} failed by name",
    )


@pytest.mark.slow
@pytest.mark.parametrize("away", [False, True], ids=["exod is there", "exod is away"])
async def test_when_the_keeper_dies_nobody_is_orphaned_and_all_come_back(
    tmp_path: Path, record_property: Record, *, away: bool
) -> None:
    async with fleet(tmp_path / "dev", calls=False) as fifty:
        before = {member.pid for member in fifty.members.values()}
        if away:
            await fifty.kill()
        began = time.monotonic()
        os.kill(fifty.keeper, signal.SIGKILL)
        if away:
            fifty.execute()
            await fifty.present()
        await fifty.restored()
        took = time.monotonic() - began
        assert [pid for pid in before if alive(pid)] == []
        await fifty.learn()
        found = Findings()
        await fifty.judge(found)
        assert found == Findings()
        assert await fifty.stop() == 0
    assert left(tmp_path / "dev") == []
    record_property("figures", f"keeper killed{', exod too' if away else ''}: all 51 back after {took:.3f} s")


@pytest.mark.slow
async def test_the_judge_sees_what_is_lost_what_is_double_and_what_nobody_registered(tmp_path: Path) -> None:
    async with fleet(tmp_path / "dev", calls=False) as fifty:
        found = Findings()
        name, other = fifty.names[10], fifty.names[11]
        await fifty.over(await fifty.ask(name, "Unload"))
        for _ in range(2):
            await fifty.count(other, 7)
        fifty.ledger.answered[other] += [7, 8]
        await fifty.judge(found)
        await fifty.hush(found)
        await fifty.kill()
        os.kill(fifty.members[fifty.names[12]].pid, signal.SIGKILL)
        fifty.compare_registry(found, job=False)
        fifty.execute()
        await fifty.present()
    assert [word.partition(" is ")[0] for word in found.lost] == [name]
    assert found.violations[:2] == [
        f"{other} executed 2 calls for 1 numbers",
        f"the call 8 of {other} was answered and not executed",
    ]
    assert found.violations[2].endswith("and is None")


def test_a_second_answer_and_a_second_signal_are_seen() -> None:
    ledger, client = Ledger(), Client.__new__(Client)
    client.name = ":1.7"
    for _ in range(2):
        ledger._replied(client, Header(RETURN, 0, 1, 0, little=True, body_at=0, reply_to=5))
        ledger.counted(client, 3)
    assert ledger.wrong == ["the call 5 of :1.7 was answered twice", "the signal for 3 came twice to :1.7"]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
