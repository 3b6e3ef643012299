from pathlib import Path

import pytest

from exod.errors import Refused
from exod.state import chain
from exod.state.audit import verify
from exod.state.chain import Head, Record
from exod.state.directory import Directory
from exod.state.segment import Segment, resume, segments

RECORD = Record(1.5, "event", "exod", {"a": "b"})
CLOSING = Record(2.5, chain.CLOSED, "exod", {})


def write(root: Path, *records: Record) -> Path:
    """Records in the newest file; its path."""
    with Directory.open(root) as directory:
        segment, _ = resume(directory)
        with segment:
            segment.append(records)
        return root / segments(directory)[-1]


def again(root: Path) -> tuple[Head, str, list[str]]:
    """What a restart finds: the head it goes on from, its remark, the files."""
    with Directory.open(root) as directory:
        segment, remark = resume(directory)
        with segment:
            segment.append([RECORD])
        return segment.head, remark, segments(directory)


def test_the_first_file_is_named_by_the_first_record(root: Path) -> None:
    path = write(root, RECORD)
    assert path.name == "audit-000000000001.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600


def test_after_a_clean_stop_there_is_nothing_to_remark(root: Path) -> None:
    write(root, RECORD, CLOSING)
    assert again(root)[:2] == (verify(root).head, "")
    assert verify(root).records == 3


def test_after_any_other_stop_it_is_remarked(root: Path) -> None:
    write(root, RECORD)
    assert again(root)[1] == "the last stop was not a clean one"
    assert verify(root).holds


def test_a_line_cut_by_a_crash_is_taken_off(root: Path) -> None:
    path = write(root, RECORD, RECORD)
    path.write_bytes(path.read_bytes() + b'{"seq":3,"ti')
    head, remark, files = again(root)
    assert (head.seq, remark, len(files)) == (3, "the last line was cut off: 12 bytes", 1)
    assert verify(root).holds


def test_a_file_with_nothing_but_a_cut_line_is_begun_again(root: Path) -> None:
    path = write(root, RECORD)
    path.write_bytes(path.read_bytes()[:10])
    assert again(root)[0].seq == 1
    assert verify(root).holds


@pytest.mark.parametrize("bad", [b"rubbish\n", b"x" * (chain.LINE_MAX * 3)])
def test_a_damaged_end_stays_as_evidence_and_the_log_goes_on_beside_it(root: Path, bad: bytes) -> None:
    path = write(root, RECORD)
    path.write_bytes(path.read_bytes() + bad)
    _, remark, files = again(root)
    assert remark == "the last record is damaged"
    assert len(files) == 2
    assert path.read_bytes().endswith(bad)
    assert not verify(root).holds


def test_an_edited_last_record_is_not_built_upon(root: Path) -> None:
    path = write(root, RECORD, RECORD)
    path.write_bytes(path.read_bytes().replace(b'"a":"b"', b'"a":"c"'))
    assert again(root)[1] == "the last record is damaged"
    assert verify(root).findings[0].line == 1


def test_an_empty_newest_file_goes_on_behind_the_one_before(root: Path) -> None:
    path = write(root, RECORD, CLOSING)
    (root / "audit-000000000003.jsonl").touch(mode=0o600)
    head, _, files = again(root)
    assert (head.seq, len(files)) == (3, 2)
    assert verify(root).holds
    assert path.exists()


def test_an_empty_newest_file_behind_a_damaged_one_begins_a_new_chain(root: Path) -> None:
    write(root, RECORD).write_bytes(b"rubbish\n")
    (root / "audit-000000000009.jsonl").touch(mode=0o600)
    head, remark, _ = again(root)
    assert (head.seq, remark) == (9, "the last record is damaged")


def test_a_file_with_an_odd_number_does_not_stop_the_log(root: Path) -> None:
    (root / "audit-x.jsonl").write_bytes(b"rubbish\n")
    (root / "audit-x.jsonl").chmod(0o600)
    with Directory.open(root) as directory:
        segment, remark = resume(directory)
        segment.close()
    assert remark == "the last record is damaged"


def test_a_file_that_others_may_write_is_refused(root: Path) -> None:
    write(root, RECORD).chmod(0o666)
    with pytest.raises(Refused), Directory.open(root) as directory:
        resume(directory)


def test_a_link_in_place_of_a_file_is_an_error(root: Path) -> None:
    (root / "audit-000000000001.jsonl").symlink_to(root / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), Directory.open(root) as directory:
        resume(directory)


def test_the_start_of_a_damaged_file_is_the_start_of_a_chain(root: Path) -> None:
    write(root, RECORD).write_bytes(b"rubbish\n")
    with Directory.open(root) as directory, Segment.open(directory, segments(directory)[0]) as segment:
        assert segment.start() == Head()
        segment.close()
