"""No uid twice within a boot, none that somebody has, and a block for each generation."""

from pathlib import Path

import pytest

from exod.errors import Refused
from exod.sandbox.uids import BLOCK, Uids, taken

FIRST = 100_000


def test_no_uid_is_handed_out_twice_even_by_a_second_exod(tmp_path: Path) -> None:
    first, second = (Uids(tmp_path, first=FIRST, last=FIRST + 9 * BLOCK - 1) for _ in range(2))
    seen = [first.next() for _ in range(300)] + [second.next() for _ in range(300)]
    assert len(set(seen)) == 600
    assert all(FIRST < uid < FIRST + 9 * BLOCK for uid in seen)


def test_the_root_of_a_block_is_never_an_instance(tmp_path: Path) -> None:
    uids = Uids(tmp_path, first=FIRST, last=FIRST + 4 * BLOCK - 1)
    assert all((uids.next() - FIRST) % BLOCK for _ in range(3 * BLOCK))


def test_generations_have_blocks_of_their_own(tmp_path: Path) -> None:
    uids = Uids(tmp_path, first=FIRST, last=FIRST + 4 * BLOCK - 1)
    one, two, three = uids.next(("a", "l")), uids.next(("b", "l")), uids.next(("a", "l"))
    assert uids.block(one) == uids.block(three) != uids.block(two)
    assert uids.block(one).holds(one)
    assert not uids.block(one).holds(two)


KEY = ("a", "l")


def test_the_block_of_the_next_generation_is_where_its_uids_will_come_from(tmp_path: Path) -> None:
    uids = Uids(tmp_path, first=FIRST, last=FIRST + 9 * BLOCK - 1)
    used = uids.block(uids.next(KEY))
    ahead = uids.ahead(KEY, used=used)
    assert ahead == uids.ahead(KEY, used=used) != used
    assert {uids.block(uids.next(KEY)) for _ in range(BLOCK - 2)} == {used}
    assert uids.ahead(KEY, used=used) == uids.block(uids.next(KEY)) == ahead


def test_a_block_that_was_left_goes_on_after_the_next_without_one_uid_twice(tmp_path: Path) -> None:
    uids = Uids(tmp_path, first=FIRST, last=FIRST + 9 * BLOCK - 1)
    seen = [uids.next(KEY)]
    first = uids.block(seen[0])
    second = uids.ahead(KEY, used=first)
    uids.leave(KEY, first)
    uids.leave(KEY, first)
    seen.append(uids.next(KEY))
    assert second.holds(seen[-1])
    assert uids.ahead(KEY, used=second) == first
    uids.leave(KEY, second)
    seen += [uids.next(KEY) for _ in range(3 * BLOCK)]
    assert first.holds(seen[2])
    assert len(set(seen)) == len(seen)


def test_a_block_that_no_other_follows_is_not_left(tmp_path: Path) -> None:
    uids = Uids(tmp_path, first=FIRST, last=FIRST + BLOCK - 1)
    used = uids.block(uids.next(KEY))
    uids.leave(KEY, used)
    with pytest.raises(Refused, match="used up"):
        uids.ahead(KEY, used=used)
    assert used.holds(uids.next(KEY))


def test_a_range_that_is_used_up_is_refused_not_reused(tmp_path: Path) -> None:
    uids = Uids(tmp_path, first=FIRST, last=FIRST + BLOCK - 1)
    for _ in range(BLOCK - 1):
        uids.next()
    with pytest.raises(Refused, match="used up"):
        uids.next()


def test_blocks_stay_whole_when_the_range_moves_within_a_boot(tmp_path: Path) -> None:
    Uids(tmp_path, first=FIRST, last=FIRST + 9 * BLOCK).next()
    moved = Uids(tmp_path, first=FIRST + 100, last=FIRST + 9 * BLOCK)
    assert moved.block(uid := moved.next()).holds(uid)


@pytest.mark.parametrize(
    ("passwd", "subuid", "owner"),
    [
        ("root:x:0:0::/:/bin/sh\nodd\n", "", ""),
        ("svc:x:100500:1::/:/bin/sh\n", "", "svc"),
        ("", "user:99000:1001\nodd:x\n", "user"),
        ("", "user:99000:1000\n", ""),
        ("", "user:100999:65536\n", "user"),
        ("", "user:101000:65536\n", ""),
    ],
)
def test_a_range_that_somebody_uses_is_refused(passwd: str, subuid: str, owner: str) -> None:
    refusal = taken(100_000, 100_999, passwd=passwd, subuid=subuid)
    assert (refusal.evidence["owner"] if refusal else "") == owner
