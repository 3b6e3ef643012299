"""The store keeps what was flushed, in order, through torn files and damaged ones, and stays within its bounds."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import columns
import frames
import pytest
import segments
from store import MOST_OF_ONE, MOST_SERIES, FullError, Store

NOW = 1_700_000_000_000
MOST = 1 << 20
SEAL = 4 << 10


OPENED: list[Store] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Whoever is opened after another one in the same directory stands for the next process."""
    yield
    close_all()


def close_all() -> None:
    while OPENED:
        OPENED.pop().close()


def opened(directory: Path, *, most: int = MOST, seal: int = SEAL) -> Store:
    store = Store(str(directory), most=most, seal=seal)
    OPENED.append(store)
    store.open()
    return store


def fill(store: Store, begin: int, end: int, *, every: int = 10) -> None:
    """Row N is at NOW plus N seconds and holds N as it is and N as thirds."""
    for number in range(begin, end):
        store.add(NOW + 1000 * number, {"a/b.whole": float(number), "a/b.thirds": number / 3})
        if number % every == every - 1:
            store.flush()
    store.flush()


def pairs(store: Store, name: str, first: int = 0, last: int = 1 << 60) -> list[tuple[float, float]]:
    found = [
        (time, number / scale)
        for times, numbers, scale in store.parts(name, first, last)
        for time, number in zip(times, numbers, strict=True)
    ]
    return sorted(found, key=lambda pair: pair[0])


def values(store: Store, name: str, first: int = 0, last: int = 1 << 60) -> list[float]:
    return [value for _, value in pairs(store, name, first, last)]


def numbers(store: Store) -> list[float]:
    found = pairs(store, "a/b.whole")
    assert values(store, "a/b.thirds") == [number / 3 for _, number in found]
    assert all(time == NOW + 1000 * number for time, number in found)
    return [number for _, number in found]


def test_what_was_flushed_is_there_again_in_the_next_process(tmp_path: Path) -> None:
    fill(opened(tmp_path), 0, 1000)
    again = opened(tmp_path)
    assert numbers(again) == [float(number) for number in range(1000)]
    assert again.samples == 2000
    fill(again, 1000, 1010)
    assert numbers(opened(tmp_path)) == [float(number) for number in range(1010)]


def test_rows_stand_in_frames_and_in_the_journal(tmp_path: Path) -> None:
    fill(opened(tmp_path), 0, 1000)
    assert sorted(os.listdir(tmp_path)) == ["0000000001.frames", "journal"]
    assert min(os.path.getsize(path) for path in tmp_path.iterdir()) > 0


def test_a_range_has_both_its_ends(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fill(store, 0, 500)
    assert values(store, "a/b.whole", NOW + 100_000, NOW + 103_000) == [100.0, 101.0, 102.0, 103.0]
    assert values(store, "a/b.whole", NOW + 100_001, NOW + 100_999) == []
    assert values(store, "nobody") == []


def test_times_that_went_back_come_in_order(tmp_path: Path) -> None:
    store = opened(tmp_path, seal=200)
    random = Random(3)
    times = [random.randrange(1000) for _ in range(300)]
    for number, time in enumerate(times):
        store.add(time, {"a/b": float(number)})
        store.flush()
    found = pairs(store, "a/b")
    assert [time for time, _ in found] == sorted(times)
    assert all(times[int(number)] == time for time, number in found)


def test_a_span_tells_the_ends_and_the_number(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fill(store, 0, 300)
    store.add(NOW - 5, {"c/d": 1.0})
    spans = store.spans()
    assert (spans["a/b.whole"].first, spans["a/b.whole"].last, spans["a/b.whole"].count) == (NOW, NOW + 299_000, 300)
    assert (spans["c/d"].first, spans["c/d"].last, spans["c/d"].count) == (NOW - 5, NOW - 5, 1)


# --- torn and damaged files -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 rows of 200 or more in frames, the others in the journal."""
    directory = tmp_path_factory.mktemp("written")
    fill(opened(directory, seal=2500), 0, 130)
    return directory


def files(directory: Path) -> tuple[Path, Path]:
    (frame,) = directory.glob("*.frames")
    return frame, directory / "journal"


def test_a_journal_that_is_torn_anywhere_loses_only_its_end(written: Path, tmp_path: Path) -> None:
    journal = files(written)[1].read_bytes()
    lengths = set()
    for kept in range(len(journal) + 1):
        directory = tmp_path / str(kept)
        shutil.copytree(written, directory)
        (directory / "journal").write_bytes(journal[:kept])
        store = opened(directory, seal=2500)
        found = numbers(store)
        assert found == [float(number) for number in range(len(found))]
        lengths.add(len(found))
        if kept % 16 == 0:
            fill(store, len(found), len(found) + 3)
            assert len(numbers(opened(directory, seal=2500))) == len(found) + 3
        close_all()
        shutil.rmtree(directory)
    assert max(lengths) == 130
    assert len(lengths) > 5


def test_a_journal_that_was_changed_anywhere_loses_only_what_follows(written: Path, tmp_path: Path) -> None:
    journal = files(written)[1].read_bytes()
    for at in range(0, len(journal), 3):
        directory = tmp_path / str(at)
        shutil.copytree(written, directory)
        changed = bytearray(journal)
        changed[at] ^= 0x04
        (directory / "journal").write_bytes(changed)
        found = numbers(opened(directory, seal=2500))
        assert found == [float(number) for number in range(len(found))]
        assert len(found) < 130
        close_all()
        shutil.rmtree(directory)


def test_names_that_come_after_a_restart_are_not_those_from_before(tmp_path: Path) -> None:
    fill(opened(tmp_path), 0, 5)
    store = opened(tmp_path)
    store.add(NOW + 9000, {"c/d": 7.0, "a/b.thirds": 3.0})
    store.flush()
    again = opened(tmp_path)
    assert values(again, "c/d") == [7.0]
    assert values(again, "a/b.thirds")[-1] == 3.0
    assert values(again, "a/b.whole") == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_the_name_of_a_new_file_is_flushed_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, real, flushed = opened(tmp_path), os.fsync, list[str]()

    def fsync(file: int) -> None:
        flushed.append(os.path.basename(os.readlink(f"/proc/self/fd/{file}")))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    fill(store, 0, 300)
    assert flushed.count(tmp_path.name) == 1
    at = flushed.index("0000000001.frames")
    assert flushed[at : at + 2] == ["0000000001.frames", tmp_path.name]


def test_a_frame_that_is_torn_anywhere_is_cut_off_and_the_journal_has_its_rows(tmp_path: Path) -> None:
    """Killed while the frame was written: the journal was not emptied yet."""
    before = tmp_path / "before"
    before.mkdir()
    store = opened(before, seal=3000)
    fill(store, 0, 80)
    shutil.copytree(before, tmp_path / "image")
    store._segments.append(frames.encode(store._pending, through=store._number))
    (whole,) = before.glob("*.frames")
    data, old = whole.read_bytes(), (tmp_path / "image" / whole.name).stat().st_size
    for kept in range(old, len(data) + 1):
        directory = tmp_path / str(kept)
        shutil.copytree(tmp_path / "image", directory)
        (directory / whole.name).write_bytes(data[:kept])
        again = opened(directory, seal=3000)
        assert numbers(again) == [float(number) for number in range(80)]
        assert again.damaged == 0
        assert (directory / whole.name).stat().st_size == (old if kept < len(data) else kept)
        close_all()
        shutil.rmtree(directory)


def test_rows_that_are_in_a_frame_and_in_the_journal_are_there_once(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fill(store, 0, 50)
    store._segments.append(frames.encode(store._pending, through=store._number))
    again = opened(tmp_path)
    assert numbers(again) == [float(number) for number in range(50)]
    fill(again, 50, 400)
    assert numbers(opened(tmp_path)) == [float(number) for number in range(400)]


def test_a_damaged_frame_costs_no_other_and_is_counted(tmp_path: Path) -> None:
    fill(opened(tmp_path), 0, 1000)
    path, _ = files(tmp_path)
    first, second, *_ = list(frames.scan(path.read_bytes(), segment=1))
    data = bytearray(path.read_bytes())
    data[second.at + 60] ^= 1
    path.write_bytes(data)
    again = opened(tmp_path)
    lost = second.blocks[0][1].count
    assert len(numbers(again)) == 1000 - lost
    assert again.damaged == 1
    assert first.blocks[0][1].count == len(values(again, "a/b.whole", NOW, NOW + 1000 * (lost - 1)))


def test_a_chunk_that_rots_while_it_runs_is_left_out_and_counted(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fill(store, 0, 1000)
    path, _ = files(tmp_path)
    block = dict(next(frames.scan(path.read_bytes(), segment=1)).blocks)["a/b.whole"]
    data = bytearray(path.read_bytes())
    data[block.values_at + 7] ^= 1
    path.write_bytes(data)
    assert len(values(store, "a/b.whole")) == 1000 - block.count
    assert store.damaged == 1
    assert len(values(store, "a/b.thirds")) == 1000


@pytest.mark.parametrize("seed", range(30))
def test_files_of_anything_are_opened_and_written_to(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    (tmp_path / "journal").write_bytes(random.randbytes(random.randrange(400)))
    junk = random.choice((b"", b"EXR1")) + random.randbytes(random.randrange(400))
    (tmp_path / "0000000004.frames").write_bytes(junk)
    (tmp_path / "x.frames").write_bytes(junk)
    fill(opened(tmp_path), 0, 300)
    assert len(numbers(opened(tmp_path))) == 300


# --- bounds -----------------------------------------------------------------------------------------------------------


def on_disk(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def test_it_never_takes_more_than_its_bytes_and_the_oldest_goes_first(tmp_path: Path) -> None:
    random = Random(5)
    most, greatest = 64 << 10, 0
    store = opened(tmp_path, most=most, seal=4 << 10)
    for number in range(9000):
        store.add(NOW + number, {"a/noise": random.random(), "a/number": float(number)})
        if number % 20 == 19:
            store.flush()
            greatest = max(greatest, on_disk(tmp_path))
            assert store._segments.size <= store._segments.most
    kept = values(store, "a/number")
    assert most // 2 < greatest <= most
    assert kept == [float(number) for number in range(int(kept[0]), 9000)]
    assert 1000 < len(kept) < 8000
    assert store.samples == 2 * len(kept)
    assert values(opened(tmp_path, most=most, seal=4 << 10), "a/number") == kept


def test_a_smaller_bound_is_kept_at_once(tmp_path: Path) -> None:
    store = opened(tmp_path, most=100 << 10)
    fill(store, 0, 15_000, every=50)
    store.bound(20 << 10)
    assert on_disk(tmp_path) <= 20 << 10
    kept = numbers(store)
    assert kept == [float(number) for number in range(int(kept[0]), 15_000)]
    assert 0 < kept[0] < 15_000


def test_blocks_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MOST_BLOCKS", 40)
    monkeypatch.setattr(segments, "PARTS", 1000)
    store = opened(tmp_path)
    fill(store, 0, 5000)
    assert sum(len(blocks) for blocks in store._segments.index.values()) <= 42


def test_one_series_too_many_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    store = opened(tmp_path, seal=64 << 10)
    for number in range(MOST_SERIES):
        store.add(NOW, {f"a{number % 4}/b.{number}": 1.0})
    with pytest.raises(FullError):
        store.add(NOW, {"one/more": 1.0})
    store.add(NOW + 1, {"a1/b.1": 3.0})
    store.flush()
    assert values(opened(tmp_path), "a1/b.1") == [1.0, 3.0]
    assert len(store.spans()) == MOST_SERIES


def test_who_publishes_many_names_takes_none_away_from_others(tmp_path: Path) -> None:
    store = opened(tmp_path, seal=64 << 10)
    for number in range(MOST_OF_ONE):
        store.add(NOW, {f"a/b.{number}": 1.0})
    with pytest.raises(FullError):
        store.add(NOW, {"a/b.1": 2.0, "a/c": 1.0})
    store.add(NOW, {"b/c": 1.0, "b/d": 1.0})
    assert values(store, "a/b.1") == [1.0]


# --- a disk that refuses ----------------------------------------------------------------------------------------------


def refusing(monkeypatch: pytest.MonkeyPatch, call: str) -> Callable[[], None]:
    """`call` of os fails from now on, half done if it writes, until what is returned is called."""
    real = getattr(os, call)

    def refuse(file: int, *arguments: object) -> None:
        if call == "pwrite":
            data, at = arguments
            real(file, data[: len(data) // 2], at)  # type: ignore[index]
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, call, refuse)
    return lambda: monkeypatch.setattr(os, call, real)


@pytest.mark.parametrize("call", ["pwrite", "fsync"])
@pytest.mark.parametrize("before", [0, 50, 500])
def test_a_flush_that_failed_loses_nothing_and_the_next_one_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, before: int
) -> None:
    store = opened(tmp_path)
    fill(store, 0, before)
    for count in (5, 100):
        end = before + count
        for number in range(before, end):
            store.add(NOW + 1000 * number, {"a/b.whole": float(number), "a/b.thirds": number / 3})
        mend = refusing(monkeypatch, call)
        with pytest.raises(OSError, match="full"):
            store.flush()
        mend()
        assert numbers(opened(tmp_path)) == [float(number) for number in range(before)]
        store.flush()
        before = end
        assert numbers(opened(tmp_path)) == [float(number) for number in range(end)]


def flood(store: Store) -> None:
    for number in range(10_000):
        store.add(NOW + number, {"a/b": 1.0})


def test_a_disk_that_takes_nothing_bounds_what_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(tmp_path)
    refusing(monkeypatch, "pwrite")
    assert not store.due
    with pytest.raises(FullError):
        flood(store)
    assert store.due
    assert store.samples < 2000


def test_what_was_read_is_what_columns_gave(tmp_path: Path) -> None:
    """A block that lies about its number of values is damaged, not believed."""
    store = opened(tmp_path)
    fill(store, 0, 500)
    blocks = store._segments.index["a/b.whole"]
    blocks[0] = blocks[0]._replace(count=blocks[0].count + 1)
    with pytest.raises(columns.DamagedError):
        columns.unpack_values(columns.pack_values([1.0]), 2)
    assert len(values(store, "a/b.whole")) == 500 - blocks[0].count + 1
