"""THREATS 26: an audit log that was edited, reordered, or cut in the middle or at its tail: verification says where."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exod.state import chain
from exod.state.audit import Audit, Caps
from exod.state.writer import Writer
from tests.exod.state.judging import verify


async def log(root: Path, *, stop: bool = True) -> chain.Head:
    """40 refusals over several files, and the head that somebody else remembers."""
    writer = Writer()
    audit = await Audit.open(root, writer=writer, clock=lambda: 1700000000.0, caps=Caps(file=2500))
    for number in range(40):
        audit.write("load-refused", {"plugin": f"p{number:02}"})
        await audit.flush()
    head = audit.head
    if stop:
        await audit.close()
    await writer.close()
    if not stop:
        audit._release()
    return head


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    place = tmp_path / "audit"
    place.mkdir(mode=0o700)
    return place


def files(audit: Path) -> list[Path]:
    return sorted(audit.glob("audit-*"))


def change(path: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


def where(audit: Path, *checkpoints: chain.Head) -> list[tuple[str, int]]:
    return [(found.file, found.line) for found in verify(audit, checkpoints=checkpoints).findings]


async def test_a_log_nobody_touched_holds_and_ends_cleanly(audit: Path) -> None:
    head = await log(audit)
    report = verify(audit, checkpoints=[head])
    assert (report.holds, report.closed, report.records, len(files(audit)) > 3) == (True, True, 42, True)


async def test_an_edited_record_is_named(audit: Path) -> None:
    await log(audit)
    second = files(audit)[1]
    change(second, lambda lines: [*lines[:3], lines[3].replace(b':"p', b':"q'), *lines[4:]])
    assert where(audit) == [(second.name, 4)]


async def test_an_edited_record_with_a_fresh_hash_is_named_and_shows_at_the_next(audit: Path) -> None:
    await log(audit)
    second = files(audit)[1]

    def forge(lines: list[bytes]) -> list[bytes]:
        before = chain.row(lines[2][:-1])
        head = chain.Head(before["seq"], before["hash"])
        innocent = chain.Record(1700000000.0, "load-refused", "exod", {"plugin": "other"})
        return [*lines[:3], chain.line(innocent, after=chain.Seal(head, b"guess" * 8, ""))[0], *lines[4:]]

    change(second, forge)
    assert where(audit) == [(second.name, 4), (second.name, 5)]
    assert [found.line for found in verify(audit, with_key=False).findings] == [5]


async def test_reordered_records_are_named(audit: Path) -> None:
    await log(audit)
    second = files(audit)[1]
    change(second, lambda lines: [lines[1], lines[0], *lines[2:]])
    assert where(audit)[0] == (second.name, 1)


async def test_a_piece_cut_out_of_the_middle_is_named_where_it_was(audit: Path) -> None:
    await log(audit)
    second = files(audit)[1]
    change(second, lambda lines: lines[:2] + lines[5:])
    assert where(audit) == [(second.name, 3)]
    assert "records are missing" in verify(audit).findings[0].what


async def test_a_whole_file_taken_away_is_named_by_the_next(audit: Path) -> None:
    await log(audit)
    _, second, third, *_ = files(audit)
    second.unlink()
    assert where(audit) == [(third.name, 1)]


async def test_the_first_file_taken_away_is_no_pruning(audit: Path) -> None:
    await log(audit)
    files(audit)[0].unlink()
    assert "does not say that the records before were pruned" in verify(audit).findings[0].what


async def test_two_files_that_changed_names_are_found(audit: Path) -> None:
    await log(audit)
    _, second, third, *_ = files(audit)
    second.rename(audit / "x")
    third.rename(second)
    (audit / "x").rename(third)
    assert where(audit)[0] == (second.name, 1)


async def test_a_tail_cut_within_a_line_is_named(audit: Path) -> None:
    await log(audit)
    last = files(audit)[-1]
    os.truncate(last, last.stat().st_size - 5)
    assert verify(audit).findings[0].what == "the last line is cut off"


async def test_a_tail_cut_at_a_line_shows_as_a_stop_that_was_not_clean(audit: Path) -> None:
    await log(audit)
    change(files(audit)[-1], lambda lines: lines[:-1])
    report = verify(audit)
    assert not report.closed
    assert "is remembered by the sealing key but missing" in report.findings[-1].what


async def test_a_tail_cut_behind_a_checkpoint_is_found(audit: Path) -> None:
    head = await log(audit)
    last = files(audit)[-1]
    last.unlink()
    assert any("remembered by a test but missing" in found.what for found in verify(audit, checkpoints=[head]).findings)


async def test_a_cut_made_while_the_daemon_is_down_stays_visible_after_its_next_start(audit: Path) -> None:
    await log(audit)
    change(files(audit)[-1], lambda lines: lines[:-1])
    writer = Writer()
    again = await Audit.open(audit, writer=writer)
    await again.close()
    await writer.close()
    assert b"the log was cut: it reached record 42" in files(audit)[-1].read_bytes()
    assert [found.what for found in verify(audit).findings] == [
        "records are missing: record 41 is followed by record 43"
    ]


async def test_a_log_cut_under_the_running_daemon_is_found(audit: Path) -> None:
    writer = Writer()
    running = await Audit.open(audit, writer=writer)
    for number in range(5):
        running.write("load-refused", {"plugin": f"p{number}"})
    await running.flush()
    change_in_place(files(audit)[0], lines=3)
    running.write("load-refused", {"plugin": "last"})
    await running.close()
    await writer.close()
    assert where(audit) == [(files(audit)[0].name, 4)]


def change_in_place(path: Path, *, lines: int) -> None:
    kept = b"".join(path.read_bytes().splitlines(keepends=True)[:lines])
    os.truncate(path, len(kept))
