import os
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state import chain
from exod.state.chain import Head, Record, Seal
from exod.state.directory import Descriptor, Directory
from exod.state.sealing import decode, encode
from exod.state.segment import resume, segments
from tests.exod.state.judging import verify

RECORD = Record(1.5, "event", "exod", {"a": "b"})
CLOSING = Record(2.5, chain.CLOSED, "exod", {})
UNCLEAN = "the last stop was not a clean one"
DAMAGED = "the last record is damaged"
NOTHING = Head()


def write(root: Path, *records: Record, seal: bool = True) -> Path:
    """Records in the newest file; its path. Without `seal` the key stays where it was, as after a crash."""
    with Directory.open(root) as directory:
        segment, keys, _ = resume(directory, remembered=NOTHING)
        with segment, keys:
            segment.append(records)
            segment.sync()
            if seal:
                put(keys, segment.seal)
        return root / segments(directory)[-1]


def again(root: Path, *, remembered: Head = NOTHING) -> tuple[Head, str, list[str]]:
    """What a restart finds: the head it goes on from, its remark, the files."""
    with Directory.open(root) as directory:
        segment, keys, remark = resume(directory, remembered=remembered)
        with segment, keys:
            segment.append([RECORD])
            put(keys, segment.seal)
        return segment.seal.head, remark, segments(directory)


def put(keys: Descriptor, seal: Seal) -> None:
    os.pwrite(keys.fd, encode(seal), 0)


def held(root: Path) -> Seal | None:
    return decode((root / "sealing.key").read_bytes())


def whats(root: Path, *, with_key: bool = True) -> list[str]:
    return [found.what for found in verify(root, with_key=with_key).findings]


def test_the_first_file_is_named_by_the_first_record(root: Path) -> None:
    path = write(root, RECORD)
    assert path.name == "audit-000000000001.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600


def test_after_a_clean_stop_there_is_nothing_to_remark(root: Path) -> None:
    write(root, RECORD, CLOSING)
    assert again(root)[1] == ""
    assert (verify(root).records, verify(root).sealed) == (3, 3)


def test_after_any_other_stop_it_is_remarked(root: Path) -> None:
    write(root, RECORD)
    assert again(root)[1] == UNCLEAN
    assert verify(root).holds


@pytest.mark.parametrize("lost", [1, 3])
def test_what_was_sealed_behind_the_key_on_the_disk_is_believed_after_a_crash(root: Path, lost: int) -> None:
    write(root, RECORD)
    write(root, *[RECORD] * lost, seal=False)
    assert again(root)[:2] == (Head(2 + lost, verify(root).remembered.hash), UNCLEAN)  # type: ignore[union-attr]
    assert verify(root).holds


def test_what_was_forged_behind_the_key_on_the_disk_is_not_built_upon(root: Path) -> None:
    write(root, RECORD)
    path = write(root, RECORD, seal=False)
    forged, _ = chain.line(Record(9.0, "innocent", "exod", {}), after=Seal(_head(path), b"guess" * 8, "0" * 16))
    path.write_bytes(path.read_bytes() + forged)
    head, remark, files = again(root)
    assert (head.seq, remark, files[1:]) == (4, DAMAGED, ["audit-000000000004.jsonl"])
    assert "forged: whoever wrote this record, or wrote it anew, did not have the key of its time" in whats(root)


def _head(path: Path) -> Head:
    last = chain.row(path.read_bytes().splitlines()[-1])
    return Head(last["seq"], last["hash"])


def test_a_line_cut_by_a_crash_is_taken_off(root: Path) -> None:
    path = write(root, RECORD, RECORD)
    path.write_bytes(path.read_bytes() + b'{"seq":3,"ti')
    head, remark, files = again(root)
    assert (head.seq, remark, len(files)) == (3, "the last line was cut off: 12 bytes", 1)
    assert verify(root).holds


def test_a_first_line_cut_by_a_crash_is_taken_off(root: Path) -> None:
    path = write(root)
    path.write_bytes(b'{"seq":1,"ti')
    assert again(root)[0].seq == 1
    assert verify(root).holds


def test_a_tail_that_the_key_is_ahead_of_was_cut_and_no_crash_did_it(root: Path) -> None:
    path = write(root, *[RECORD] * 9)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert whats(root, with_key=False) == [
        "record 9 is remembered by the sealing key but missing: the log was cut after record 3"
    ]
    head, remark, files = again(root)
    assert (head.seq, remark, files[1:]) == (10, "the log was cut: it reached record 9", ["audit-000000000010.jsonl"])
    assert whats(root) == ["records are missing: record 3 is followed by record 10"]


def test_a_tail_that_the_registry_is_ahead_of_was_cut_even_if_the_key_was_lost_with_it(root: Path) -> None:
    path = write(root, *[RECORD] * 9)
    remembered = _head(path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    (root / "sealing.key").unlink()
    head, remark, _ = again(root, remembered=remembered)
    assert (head.seq, remark) == (10, "the key that sealed the records before was missing or damaged")
    assert "records are missing: record 3 is followed by record 10" in whats(root, with_key=False)


def test_a_tail_that_only_the_registry_remembers_was_cut(root: Path) -> None:
    """Whoever put back yesterday's files, key included, and not the registry."""
    path = write(root, *[RECORD] * 3)
    before = {name: (root / name).read_bytes() for name in (path.name, "sealing.key")}
    remembered = _head(write(root, *[RECORD] * 6))
    for name, data in before.items():
        (root / name).write_bytes(data)
    head, remark, _ = again(root, remembered=remembered)
    assert (head.seq, remark) == (10, "the log was cut: it reached record 9")


def test_a_file_that_was_emptied_is_not_taken_for_a_new_one(root: Path) -> None:
    path = write(root, *[RECORD] * 9)
    path.write_bytes(b"")
    assert again(root)[:2][1] == "the log was cut: it reached record 9"


def test_a_log_whose_files_are_all_gone_goes_on_where_its_key_stood(root: Path) -> None:
    write(root, *[RECORD] * 9).unlink()
    assert again(root)[1:] == ("the log was cut: it reached record 9", ["audit-000000000010.jsonl"])


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 512, b" " * 512])
def test_a_key_that_is_not_whole_is_none_and_a_new_succession_begins(root: Path, damage: bytes) -> None:
    write(root, RECORD, CLOSING)
    before = held(root)
    (root / "sealing.key").write_bytes(damage)
    head, remark, files = again(root)
    assert (head.seq, len(files)) == (3, 2)
    assert remark == "the key that sealed the records before was missing or damaged"
    assert before is not None
    assert held(root).id != before.id  # type: ignore[union-attr]
    assert verify(root, with_key=False).holds


@pytest.mark.parametrize("bad", [b"rubbish\n", b'{"seq":3}\n', b"[1]\n", b"x" * (chain.LINE_MAX * 3)])
def test_a_damaged_end_stays_as_evidence_and_the_log_goes_on_beside_it(root: Path, bad: bytes) -> None:
    path = write(root, RECORD)
    path.write_bytes(path.read_bytes() + bad)
    _, remark, files = again(root)
    assert remark == DAMAGED
    assert len(files) == 2
    assert path.read_bytes().endswith(bad)
    assert not verify(root).holds


def test_a_last_record_that_was_edited_while_nobody_looked_stays_a_finding(root: Path) -> None:
    path = write(root, RECORD, RECORD)
    path.write_bytes(path.read_bytes().replace(b'"a":"b"', b'"a":"c"'))
    again(root)
    assert [(found.line, found.what.split(":")[0]) for found in verify(root).findings] == [(1, "edited"), (2, "edited")]


def test_an_empty_newest_file_goes_on_behind_the_one_before(root: Path) -> None:
    path = write(root, RECORD, CLOSING)
    (root / "audit-000000000003.jsonl").touch(mode=0o600)
    head, _, files = again(root)
    assert (head.seq, len(files)) == (3, 2)
    assert verify(root).holds
    assert path.exists()


def test_a_number_that_nobody_can_have_reached_begins_a_new_succession(root: Path) -> None:
    write(root, RECORD)
    (root / "audit-999999999000.jsonl").touch(mode=0o600)
    head, remark, _ = again(root)
    assert (head.seq, remark[:7]) == (999999999000, "the key")


def test_a_file_with_an_odd_name_is_none_of_the_logs(root: Path) -> None:
    (root / "audit-x.jsonl").write_bytes(b"rubbish\n")
    assert again(root)[1:] == ("", ["audit-000000000001.jsonl"])


@pytest.mark.parametrize("name", ["audit-000000000001.jsonl", "sealing.key"])
def test_a_file_that_others_may_write_is_refused(root: Path, name: str) -> None:
    write(root, RECORD)
    (root / name).chmod(0o666)
    with pytest.raises(Refused), Directory.open(root) as directory:
        resume(directory, remembered=NOTHING)


@pytest.mark.parametrize("name", ["audit-000000000001.jsonl", "sealing.key"])
def test_a_link_in_place_of_a_file_is_not_followed(root: Path, name: str) -> None:
    write(root, RECORD)
    (root / name).unlink()
    (root / name).symlink_to(root / "elsewhere")
    with pytest.raises((OSError, Refused), match="symbolic"), Directory.open(root) as directory:
        resume(directory, remembered=NOTHING)


def test_what_could_not_be_synced_is_taken_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, RECORD)
    with Directory.open(root) as directory:
        segment, keys, _ = resume(directory, remembered=NOTHING)
        with segment, keys:
            before = segment.seal
            segment.append([RECORD])
            with monkeypatch.context() as patch:
                patch.setattr("exod.state.segment.os.fdatasync", _fails)
                with pytest.raises(OSError, match="broken"):
                    segment.sync()
            assert segment.seal == before
            segment.append([RECORD])
            segment.sync()
            put(keys, segment.seal)
    assert (verify(root).holds, verify(root).records) == (True, 2)


def _fails(_fd: int) -> None:
    raise OSError("broken")
