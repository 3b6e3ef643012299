"""Entries are made once, complete or not at all, and go when nobody uses them."""

import os
import threading
from pathlib import Path

import pytest

from exosdk.testing.vm.cache import Cache, key, root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fill(place: Path) -> None:
    (place / "file").write_text("made")


def test_an_entry_is_made_once(place: Path) -> None:
    made: list[Path] = []
    for _ in range(2):
        store = Cache(place)
        entry = store.entry("image", "k", lambda part: (fill(part), made.append(part)) and None)
        assert store.entry("image", "k", fill) == entry
        store.close()
    assert (entry / "file").read_text() == "made"
    assert len(made) == 1


def test_an_interrupted_build_leaves_no_entry_and_is_done_again(place: Path) -> None:
    def interrupted(part: Path) -> None:
        fill(part)
        raise KeyboardInterrupt

    store = Cache(place)
    with pytest.raises(KeyboardInterrupt):
        store.entry("image", "k", interrupted)
    assert not (place / "image-k").exists()
    assert (place / "image-k.part").exists()
    store.close()
    assert (Cache(place).entry("image", "k", fill) / "file").exists()
    assert not (place / "image-k.part").exists()


def test_two_that_want_the_same_build_it_once(place: Path) -> None:
    begun, go = threading.Event(), threading.Event()
    built: list[str] = []

    def slowly(part: Path) -> None:
        begun.set()
        go.wait(10)
        built.append("first")

    first = threading.Thread(target=lambda: Cache(place).entry("image", "k", slowly))
    first.start()
    begun.wait(10)
    second = threading.Thread(target=lambda: Cache(place).entry("image", "k", lambda part: built.append("second")))
    second.start()
    go.set()
    first.join(10)
    second.join(10)
    assert built == ["first"]


def test_what_is_old_or_half_made_goes_and_what_is_used_stays(place: Path) -> None:
    store = Cache(place)
    for name in ("old", "used", "new"):
        os.utime(store.entry("image", name, fill), (0, 0) if name != "new" else (86_400, 86_400))
    store.close()
    (place / "image-half.part").mkdir()
    user = Cache(place)
    os.utime(user.entry("image", "used", fill), (0, 0))
    gone = Cache(place).prune(days=0.5, now=86_400.0)
    assert gone == ["image-half.part", "image-old"]
    assert sorted(path.name for path in place.iterdir() if path.is_dir()) == ["image-new", "image-used"]
    user.close()


def test_of_each_kind_only_the_last_used_stay(place: Path) -> None:
    store = Cache(place)
    for kind in ("image", "tree"):
        for age in range(3):
            os.utime(store.entry(kind, str(age), fill), (100 - age, 100 - age))
    store.close()
    assert Cache(place).prune(each=2, now=100.0) == ["image-2", "tree-2"]


def test_a_key_depends_on_every_part_and_on_nothing_else() -> None:
    assert key(a=1, b=[2]) == key(b=[2], a=1)
    assert len({key(a=1), key(a=2), key(b=1)}) == 3


def test_the_cache_lies_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert root() == Path("/somewhere/exod/vm")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert root() == Path.home() / ".cache/exod/vm"
