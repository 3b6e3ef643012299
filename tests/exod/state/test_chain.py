import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exod.state import chain
from exod.state.chain import GENESIS, Head, Record

RECORD = Record(1700000000.5, "job-refused", "exod", {"plugin": "hello", "text": "a\u202eb\n\0"})


def log(count: int, *, after: Head | None = None) -> tuple[list[bytes], list[Head]]:
    head, lines, heads = after or Head(), [], []
    for number in range(count):
        data, head = chain.line(replace(RECORD, event=f"event-{number}"), after=head)
        lines.append(data)
        heads.append(head)
    return lines, heads


def findings(lines: list[bytes], *checkpoints: Head) -> list[tuple[int, int, str]]:
    report = chain.verify([("audit-1", lines)], checkpoints=checkpoints)
    return [(found.line, found.seq, found.what.split(":")[0]) for found in report.findings]


def test_a_whole_log_holds() -> None:
    lines, heads = log(5)
    report = chain.verify([("a", lines[:2]), ("b", lines[2:])], checkpoints=heads)
    assert report.holds
    assert (report.records, report.first, report.head, report.closed) == (5, 1, heads[-1], False)


def test_an_empty_log_holds() -> None:
    report = chain.verify([])
    assert report.holds
    assert report.head == Head(0, GENESIS)


def test_a_closing_record_says_that_the_stop_was_clean() -> None:
    lines, heads = log(2)
    closing, _ = chain.line(Record(1.0, chain.CLOSED, "exod", {}), after=heads[-1])
    assert chain.verify([("a", [*lines, closing])]).closed


def test_a_line_is_ascii_with_every_control_character_escaped() -> None:
    data, _ = chain.line(RECORD, after=Head())
    assert data.endswith(b"\n")
    assert all(32 <= byte < 127 for byte in data[:-1])
    assert chain.parse(data[:-1])["fields"] == RECORD.fields  # type: ignore[index]


def test_an_edited_record_is_found_at_its_line() -> None:
    lines, _ = log(5)
    lines[2] = lines[2].replace(b'"hello"', b'"hellO"')
    assert findings(lines) == [(3, 3, "edited")]


def test_an_edited_record_with_a_new_hash_is_found_at_the_line_after_it() -> None:
    lines, heads = log(5)
    lines[2], _ = chain.line(replace(RECORD, event="innocent"), after=heads[1])
    assert [(line, seq) for line, seq, _ in findings(lines)] == [(4, 4)]


def test_two_records_that_changed_places_are_found() -> None:
    lines, _ = log(5)
    lines[1], lines[2] = lines[2], lines[1]
    assert [line for line, _, _ in findings(lines)] == [2, 3, 4]


def test_a_record_taken_out_is_found_where_it_is_missing() -> None:
    lines, _ = log(5)
    del lines[2]
    assert findings(lines) == [(3, 4, "records are missing")]


def test_a_record_written_twice_is_found() -> None:
    lines, _ = log(3)
    lines.insert(1, lines[0])
    assert findings(lines) == [(2, 1, "out of order")]


def test_a_tail_cut_at_a_line_is_found_by_a_checkpoint_only() -> None:
    lines, heads = log(5)
    assert findings(lines[:3]) == []
    assert findings(lines[:3], heads[4]) == [(3, 5, "record 5 is remembered elsewhere but missing")]
    assert findings([], heads[4]) == [(0, 5, "record 5 is remembered elsewhere but missing")]


def test_a_tail_cut_within_a_line_is_found() -> None:
    lines, _ = log(3)
    assert findings([*lines[:2], lines[2][:-9]]) == [(3, 0, "the last line is cut off")]


def test_a_log_rewritten_from_the_start_is_found_by_a_checkpoint() -> None:
    _, heads = log(5)
    forged, _ = chain.line(RECORD, after=Head())
    assert findings([forged], heads[0]) == [(1, 1, "replaced")]


def test_a_log_without_its_beginning_is_found() -> None:
    lines, _ = log(5)
    assert [what for _, _, what in findings(lines[2:])] == [
        "the log begins at record 3 and does not say that the records before were pruned"
    ]


def test_a_log_that_says_what_it_pruned_holds_without_it() -> None:
    lines, heads = log(5)
    said = Record(1.0, chain.PRUNED, "exod", {"through": "2", "hash": heads[1].hash})
    pruned, _ = chain.line(said, after=heads[-1])
    assert findings([*lines[2:], pruned]) == []
    assert findings([*lines[3:], pruned]) != []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b"null",
        b"[" * 5000,
        b'{"seq":1}',
        b"9" * 5000,
        b'{"a":' + b"[" * 990 + b"]" * 990 + b"}",
        b" " * (chain.LINE_MAX + 1),
    ],
)
def test_what_is_no_record_is_a_finding_and_no_crash(data: bytes) -> None:
    assert chain.parse(data) is None
    assert findings([data + b"\n"]) == [(1, 0, "not a record of this log")]


def test_a_record_with_another_spelling_is_none() -> None:
    data, _ = chain.line(RECORD, after=Head())
    row = json.loads(data)
    assert chain.parse(json.dumps(row).encode()) is None
    assert chain.parse(data[:-1].replace(b'"seq":1', b'"seq":1,"seq":1')) is None
    for key, value in {"seq": True, "time": 1, "event": 3, "fields": {"a": 1}, "extra": ""}.items():
        assert chain.parse(chain.dumps(row | {key: value})) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_a_finding(data: bytes) -> None:
    assert chain.verify([("a", [data + b"\n"])]).findings


@given(st.lists(st.integers(0, 400), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_any_flipped_bytes_are_found(places: list[int], random: object) -> None:
    lines, _ = log(4)
    whole = bytearray(b"".join(lines))
    for place in places:
        whole[place] ^= 1
    changed = bytes(whole).splitlines(keepends=True)
    assert bytes(whole) == b"".join(lines) or findings(changed)
