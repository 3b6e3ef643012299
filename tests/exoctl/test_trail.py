import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exoctl import trail
from exoctl.trail import Checkpoint, Key
from exod.state import chain
from exod.state.chain import Head, Record, Seal

RECORD = Record(1700000000.5, "job-refused", "exod", {"plugin": "hello", "text": "a\u202eb\n\0"})
FIRST = Seal(Head(), b"k" * 32, "f" * 16)
KEY = Key(0, trail.GENESIS, FIRST.key, FIRST.id)
FORGED = "forged: whoever wrote this record, or wrote it anew, did not have the key of its time"


def log(count: int, *, after: Seal = FIRST) -> tuple[list[bytes], list[Seal]]:
    lines, seals = [], []
    for number in range(count):
        data, after = chain.line(replace(RECORD, event=f"event-{number}"), after=after)
        lines.append(data)
        seals.append(after)
    return lines, seals


def remembered(seal: Seal, *, proof: bool = False) -> Checkpoint:
    return Checkpoint("a friend", seal.head.seq, seal.head.hash, seal.proof if proof else "")


def findings(lines: list[bytes], *checkpoints: Checkpoint, keys: tuple[Key, ...] = ()) -> list[tuple[int, int, str]]:
    report = trail.verify([("audit-1", lines)], checkpoints=checkpoints, keys=keys)
    return [(found.line, found.seq, found.what.split(":")[0]) for found in report.findings]


def rewritten(lines: list[bytes], seals: list[Seal], *, at: int, key: bytes = b"guess" * 8) -> list[bytes]:
    """All from `at` on anew, with right hashes and numbers, by somebody who does not have the key of that place."""
    before = seals[at - 1] if at else FIRST
    fresh, _ = log(len(lines) - at, after=replace(before, key=key))
    return lines[:at] + fresh


def test_a_whole_log_holds() -> None:
    lines, seals = log(5)
    checkpoints = [remembered(seal) for seal in seals]
    report = trail.verify([("a", lines[:2]), ("b", lines[2:])], checkpoints=checkpoints, keys=[KEY])
    assert report.holds
    assert (report.records, report.first, report.seq, report.closed) == (5, 1, 5, False)
    assert (report.sealed, report.covered, report.remembered) == (5, 5, checkpoints[-1])


def test_an_empty_log_holds() -> None:
    assert trail.verify([], keys=[KEY]).holds
    assert trail.verify([]).seq == 0


def test_a_closing_record_says_that_the_stop_was_clean() -> None:
    lines, seals = log(2)
    closing, _ = chain.line(Record(1.0, chain.CLOSED, "exod", {}), after=seals[-1])
    assert trail.verify([("a", [*lines, closing])]).closed


def test_what_nobody_remembers_is_said_to_be_uncovered() -> None:
    lines, seals = log(5)
    report = trail.verify([("a", lines)], checkpoints=[remembered(seals[2])])
    assert (report.seq - report.covered, report.sealed) == (2, 0)


def test_a_proof_covers_only_for_whoever_can_check_it() -> None:
    lines, seals = log(5)
    honest = remembered(seals[4], proof=True)
    assert trail.verify([("a", lines)], checkpoints=[honest]).remembered is None
    assert trail.verify([("a", lines)], checkpoints=[honest], keys=[KEY]).remembered == honest


# --- without a key ---------------------------------------------------------------------------------------------------


def test_an_edited_record_is_found_at_its_line() -> None:
    lines, _ = log(5)
    lines[2] = lines[2].replace(b'"hello"', b'"hellO"')
    assert findings(lines) == [(3, 3, "edited")]


def test_an_edited_record_with_a_new_hash_is_found_at_the_line_after_it() -> None:
    lines, seals = log(5)
    lines[2], _ = chain.line(replace(RECORD, event="innocent"), after=seals[1])
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
    lines, seals = log(5)
    assert findings(lines[:3]) == []
    assert findings(lines[:3], remembered(seals[4])) == [(3, 5, "record 5 is remembered by a friend but missing")]
    assert findings([], remembered(seals[4])) == [(0, 5, "record 5 is remembered by a friend but missing")]


def test_a_tail_cut_within_a_line_is_found() -> None:
    lines, _ = log(3)
    assert findings([*lines[:2], lines[2][:-9]]) == [(3, 0, "the last line is cut off")]


def test_a_log_rewritten_from_the_start_is_found_by_a_checkpoint() -> None:
    lines, seals = log(5)
    forged = rewritten(lines, seals, at=0)
    forged[0], _ = chain.line(RECORD, after=FIRST)
    assert findings(forged[:1], remembered(seals[0])) == [(1, 1, "replaced")]


def test_a_checkpoint_in_the_middle_that_is_missing_is_said() -> None:
    lines, seals = log(5)
    del lines[2]
    assert (4, 3, "record 3 is remembered by a friend but missing") in findings(lines, remembered(seals[2]))


def test_a_log_without_its_beginning_is_found() -> None:
    lines, _ = log(5)
    assert [what for _, _, what in findings(lines[2:])] == [
        "the log begins at record 3 and does not say that the records before were pruned"
    ]


def test_a_log_that_says_what_it_pruned_holds_without_it() -> None:
    lines, seals = log(5)
    said = Record(1.0, chain.PRUNED, "exod", {"through": "2", "hash": seals[1].head.hash})
    pruned, _ = chain.line(said, after=seals[-1])
    assert findings([*lines[2:], pruned], keys=(KEY,)) == []
    assert findings([*lines[3:], pruned]) != []
    assert findings([*lines[2:], pruned], remembered(seals[0])) == [], "a checkpoint of what was pruned is no finding"


# --- with the first key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(6))
def test_a_log_made_anew_from_any_record_on_is_found_there_although_every_hash_is_right(at: int) -> None:
    lines, seals = log(6)
    forged = rewritten(lines, seals, at=at)
    assert at == 5 or findings(forged[: at + 1]) == [], "without the key nothing shows"
    assert findings(forged, keys=(KEY,)) == [(at + 1, at + 1, "forged")]


def test_whoever_has_a_later_key_cannot_change_what_was_before_it() -> None:
    lines, seals = log(6)
    stolen = seals[3]
    for at in range(4):
        assert findings(rewritten(lines, seals, at=at, key=stolen.key), keys=(KEY,))[0][:2] == (at + 1, at + 1)


def test_what_is_written_with_the_stolen_key_itself_is_believed_and_no_more_is_claimed() -> None:
    lines, seals = log(6)
    assert findings(rewritten(lines, seals, at=4, key=seals[3].key), keys=(KEY,)) == []


def test_a_single_record_forged_is_one_finding_however_many_follow() -> None:
    lines, seals = log(6)
    lines[2], _ = chain.line(replace(RECORD, event="innocent"), after=replace(seals[1], key=b"x" * 32))
    assert findings(lines, keys=(KEY,)) == [
        (3, 3, "forged"),
        (4, 4, "the record before is not the one it was written after (record 3 was replaced)"),
    ]


def test_a_cut_tail_shows_by_the_key_that_cannot_be_turned_back() -> None:
    """Whoever cuts the log after record 3 needs the key of that place beside it, and has only that of record 6."""
    lines, seals = log(6)
    honest = remembered(seals[5], proof=True)
    assert findings(lines[:3], honest, keys=(KEY,)) == [(3, 6, "record 6 is remembered by a friend but missing")]
    claimed = replace(remembered(seals[2]), proof=hmac.digest(seals[5].key, b"proof", "sha256").hex())
    assert findings(lines[:3], claimed, keys=(KEY,)) == [
        (3, 3, "the key of a friend is not the one that sealed this log")
    ]
    assert findings(lines, honest, keys=(KEY,)) == []


def opened(id_: str, *, after: Seal) -> tuple[bytes, Seal]:
    return chain.line(Record(1.0, "audit-opened", "exod", {"key": id_, "remark": ""}), after=after)


def test_a_new_key_is_said_and_its_records_are_checked_once_it_is_given() -> None:
    lines, seals = log(3)
    second = Seal(seals[2].head, b"s" * 32, "e" * 16)
    begun, after = opened(second.id, after=second)
    more, _ = log(2, after=after)
    whole = [*lines, begun, *more]
    given = Key(3, seals[2].head.hash, second.key, second.id)
    assert findings(whole, keys=(KEY,)) == [
        (4, 4, f"sealed with another key from here on ({second.id}), which was not given")
    ]
    assert findings(whole, keys=(KEY, given)) == []
    assert findings([*rewritten(whole, [*seals, after], at=4)], keys=(KEY, given)) == [(5, 5, "forged")]


def test_a_new_key_that_begins_earlier_than_it_was_given_is_found() -> None:
    """Whoever breaks in loses the key on purpose, and lets the new one begin before what is to be forgotten."""
    lines, seals = log(5)
    second = Seal(seals[1].head, b"s" * 32, "e" * 16)
    begun, _ = opened(second.id, after=second)
    taken = Key(5, seals[4].head.hash, second.key, second.id)
    assert findings([*lines[:2], begun], keys=(KEY, taken)) == [
        (3, 3, f"key {second.id} begins behind record 5, not here")
    ]


def test_a_number_that_nobody_can_have_reached_takes_no_time() -> None:
    lines, seals = log(1)
    far, _ = chain.line(RECORD, after=Seal(Head(1 << 60, seals[0].head.hash), b"x" * 32, ""))
    assert [what for _, _, what in findings([*lines, far], keys=(KEY,))] == ["records are missing"]


# --- whatever lies there ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[1]", b"\xff", b"null", b"[" * 5000, b'{"seq":1}', b"9" * 5000,
        b'{"a":' + b"[" * 990 + b"]" * 990 + b"}", b" " * (trail.LINE_MAX + 1),
    ],
)  # fmt: skip
def test_what_is_no_record_is_a_finding_and_no_crash(data: bytes) -> None:
    assert trail.parse(data) is None
    assert findings([data + b"\n"], keys=(KEY,)) == [(1, 0, "not a record of this log")]


def test_a_record_with_another_spelling_is_none() -> None:
    data, _ = chain.line(RECORD, after=FIRST)
    row = json.loads(data)
    assert trail.parse(data[:-1]) == row
    assert trail.parse(json.dumps(row).encode()) is None
    assert trail.parse(data[:-1].replace(b'"seq":1', b'"seq":1,"seq":1')) is None
    for key, value in {"seq": True, "time": 1, "event": 3, "fields": {"a": 1}, "extra": ""}.items():
        assert trail.parse(chain.dumps(row | {key: value})) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_a_finding(data: bytes) -> None:
    assert trail.verify([("a", [data + b"\n"])], keys=[KEY]).findings


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=4))
def test_any_flipped_bytes_are_found(places: list[int]) -> None:
    lines, _ = log(4)
    whole = bytearray(b"".join(lines))
    for place in places:
        whole[place % len(whole)] ^= 1
    assert bytes(whole) == b"".join(lines) or findings(bytes(whole).splitlines(keepends=True), keys=(KEY,))


@given(st.data())
def test_any_cut_move_repetition_or_rewriting_is_located(data: st.DataObject) -> None:
    """THREATS 26 and 57: the first finding is never behind the first record that is not where it was."""
    lines, seals = log(8)
    kind = data.draw(st.sampled_from(["cut", "swap", "repeat", "tail", "anew"]))
    at = data.draw(st.integers(0, 6))
    length = data.draw(st.integers(1, 7 - at))
    if kind == "cut":
        changed = lines[:at] + lines[at + length :]
    elif kind == "swap":
        changed = lines[:at] + lines[at + 1 : at + 1 + length] + [lines[at]] + lines[at + 1 + length :]
    elif kind == "repeat":
        changed = lines[: at + length] + lines[at:]
    elif kind == "tail":
        changed = lines[: at + 1]
    else:
        changed = rewritten(lines, seals, at=at)
    found = trail.verify([("a", changed)], keys=[KEY], checkpoints=[remembered(seals[7], proof=True)]).findings
    first = next(number for number, line in enumerate([*changed, b""]) if number >= 8 or line != lines[number])
    assert found
    assert found[0].line <= first + 1
    if kind != "cut" or at:
        assert found[0].line >= first
