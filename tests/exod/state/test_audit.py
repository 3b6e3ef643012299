import asyncio
import errno
import json
import os
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest

from exod.errors import Refusal, Refused
from exod.state import chain
from exod.state.audit import Audit, Caps
from exod.state.writer import Writer
from exod.supervisor import ports
from tests.exod.state import powercut
from tests.exod.state.judging import verify


def rows(root: Path) -> list[Mapping[str, object]]:
    return [json.loads(line) for path in sorted(root.glob("audit-*")) for line in path.read_bytes().splitlines()]


def files(root: Path) -> list[str]:
    return sorted(name for name in os.listdir(root) if name.startswith("audit-"))


def events(root: Path) -> list[object]:
    return [row["event"] for row in rows(root)]


async def test_a_record_says_when_what_who_and_why(root: Path, writer: Writer) -> None:
    audit = await Audit.open(root, writer=writer, clock=lambda: 1700000000.25)
    port: ports.Audit = audit
    port.write("load-refused", Refusal("signer-unknown", "cannot load hello 1.0: no anchor").fields())
    await port.flush()
    row = rows(root)[1]
    assert (row["seq"], row["time"], row["event"], row["source"]) == (2, 1700000000.25, "load-refused", "exod")
    assert row["fields"]["code"] == "signer-unknown"  # type: ignore[index]
    assert audit.head == chain.Head(2, str(row["hash"]))
    await audit.close()


async def test_a_clean_stop_ends_with_a_closing_record(root: Path, writer: Writer) -> None:
    audit = await Audit.open(root, writer=writer)
    audit.write("one", {})
    await audit.close()
    await audit.close()
    audit.write("too late", {})
    assert events(root) == ["audit-opened", "one", "audit-closed"]
    assert verify(root).closed


async def test_the_chain_goes_on_after_a_restart(root: Path, writer: Writer) -> None:
    for _ in range(3):
        audit = await Audit.open(root, writer=writer)
        audit.write("one", {})
        await audit.close()
    report = verify(root)
    assert (report.holds, report.records, report.first) == (True, 9, 1)


async def test_the_chain_goes_on_across_files_and_says_what_it_pruned(root: Path, writer: Writer) -> None:
    audit = await Audit.open(root, writer=writer, caps=Caps(file=1500, files=3))
    for number in range(100):
        audit.write("event", {"number": str(number)})
        await audit.flush()
    await audit.close()
    report = verify(root)
    assert report.holds
    assert report.first > 1
    assert len(files(root)) == 3
    assert [row["fields"]["number"] for row in rows(root) if row["event"] == "event"][-1] == "99"  # type: ignore[index]


async def test_a_file_taken_out_of_the_middle_is_found(root: Path, writer: Writer) -> None:
    audit = await Audit.open(root, writer=writer, caps=Caps(file=500))
    for number in range(20):
        audit.write("event", {"number": str(number)})
        await audit.flush()
    await audit.close()
    os.unlink(root / files(root)[2])
    assert verify(root).findings[0].file == files(root)[2]


async def test_writing_never_waits_and_what_the_queue_cannot_hold_is_counted(root: Path, writer: Writer) -> None:
    audit = await Audit.open(root, writer=writer, caps=Caps(queue=4))
    await audit.flush()
    gate: Future[None] = Future()
    blocked = asyncio.create_task(writer.submit(gate.result))
    await asyncio.sleep(0)
    for number in range(10):
        audit.write("flood" if number % 2 else "other", {"number": str(number)})
    gate.set_result(None)
    await blocked
    await audit.close()
    assert events(root)[1:-1] == ["other", "flood", "other", "flood", "audit-flood", "audit-flood"]
    assert [row["fields"] for row in rows(root)[5:7]] == [
        {"event": "other", "by": "", "count": "3"},
        {"event": "flood", "by": "", "count": "3"},
    ]


async def test_no_record_is_lost_to_its_own_content(root: Path, writer: Writer) -> None:
    audit = await Audit.open(root, writer=writer)
    audit.write("e" * 999, {f"k{n}" * 99: "\U0001f600" * 99999 for n in range(99)}, source="s" * 999)
    audit.write("odd", {"number": 7, "none": None, "half": "\ud800"})
    await audit.close()
    assert verify(root).holds
    assert rows(root)[2]["fields"] == {"number": "7", "none": "None", "half": "\ud800"}


class Full:
    """`os` on a disk that takes nothing while `full`; half of the first write gets through."""

    def __init__(self) -> None:
        self.full = True

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: memoryview) -> int:
        if not self.full:
            return os.write(fd, data)
        os.write(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_is_told_and_nothing_is_lost_when_there_is_room_again(
    root: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    audit = await Audit.open(root, writer=writer, on_degraded=told.put_nowait)
    await audit.flush()
    disk = Full()
    monkeypatch.setattr("exod.state.directory.os", disk)
    audit.write("while full", {})
    assert await told.get() == "audit log: No space left on device"
    with pytest.raises(OSError, match="No space"):
        await audit.flush()
    disk.full = False
    audit.write("after", {})
    assert await told.get() == ""
    await audit.close()
    assert events(root) == ["audit-opened", "while full", "after", "audit-closed"]
    assert verify(root).holds


async def test_a_disk_that_stays_full_does_not_hold_up_the_stop(
    root: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    audit = await Audit.open(root, writer=writer, on_degraded=told.append)
    await audit.flush()
    monkeypatch.setattr("exod.state.directory.os", Full())
    audit.write("lost", {})
    await audit.close()
    assert told == ["audit log: No space left on device"]
    assert not verify(root).closed


async def test_a_directory_that_others_may_write_is_refused(root: Path, writer: Writer) -> None:
    os.chmod(root, 0o777)
    with pytest.raises(Refused):
        await Audit.open(root, writer=writer)


async def test_a_stop_that_was_not_clean_is_recorded_at_the_next_start(root: Path, writer: Writer) -> None:
    first = await Audit.open(root, writer=writer)
    await first.flush()
    first._release()
    second = await Audit.open(root, writer=writer)
    await second.close()
    assert rows(root)[1]["fields"]["remark"] == "the last stop was not a clean one"  # type: ignore[index]


def test_a_loop_that_is_gone_is_not_told(root: Path) -> None:
    async def begin() -> tuple[Audit, Writer]:
        writer = Writer()
        return await Audit.open(root, writer=writer), writer

    audit, writer = asyncio.run(begin())
    os.close(audit._segment.fd)
    audit.write("nobody hears of this", {})
    asyncio.run(writer.close())
    audit._segment.fd = -1
    audit._release()


@pytest.mark.slow
@pytest.mark.parametrize("end", powercut.ENDS)
async def test_wherever_writing_is_interrupted_the_log_holds_and_keeps_what_was_flushed(root: Path, end: str) -> None:
    flushed = 0

    async def write(place: Path) -> None:
        nonlocal flushed
        flushed = 0
        writer = Writer()
        audit = None
        try:
            audit = await Audit.open(place, writer=writer, caps=Caps(file=600, files=3))
            for number in range(12):
                audit.write("event", {"number": str(number)})
                await audit.flush()
                flushed = number + 1
        finally:
            await writer.close()
            if audit:
                audit._release()

    for disk in powercut.points(root, end=end):
        await powercut.run(write, disk)
        writer = Writer()
        audit = await Audit.open(disk.root, writer=writer)
        await audit.close()
        await writer.close()
        report = verify(disk.root)
        assert report.holds, (disk.count, report.findings)
        assert report.closed
        numbers = [int(row["fields"]["number"]) for row in rows(disk.root) if row["event"] == "event"]  # type: ignore[index]
        assert numbers == sorted(set(numbers)), "nothing twice"
        assert not flushed or numbers[-1] >= flushed - 1, "nothing flushed is lost"
