"""The comparison of two builds sees what differs, and overlooks signatures alone."""

from pathlib import Path

import pytest

from tests import builders
from tests.packaging.reproducible import differences


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """The same twice: a file, a link, and a package that was signed twice."""
    both = tmp_path / "one", tmp_path / "other"
    for top in both:
        (top / "usr").mkdir(parents=True)
        (top / "usr/file").write_text("same")
        (top / "usr/link").symlink_to("file")
        (top / "usr/hello_1.0.0.exopkg").write_bytes(builders.signed_package())
    return both


def test_two_signatures_of_the_same_are_no_difference(trees: tuple[Path, Path]) -> None:
    one, other = (top / "usr/hello_1.0.0.exopkg" for top in trees)
    assert one.read_bytes() != other.read_bytes()
    assert differences(*trees) == []


def test_a_package_with_other_contents_is_one(trees: tuple[Path, Path]) -> None:
    other = builders.signed_package(extra={"assets/x": b"x"})
    (trees[1] / "usr/hello_1.0.0.exopkg").write_bytes(other)
    assert differences(*trees) == ["usr/hello_1.0.0.exopkg: other bytes"]


def test_bytes_modes_links_and_absent_files_are_told(trees: tuple[Path, Path]) -> None:
    one, other = trees
    (one / "usr/more").touch()
    (other / "usr/file").write_text("else")
    (other / "usr/file").chmod(0o600)
    (other / "usr/link").unlink()
    (other / "usr/link").symlink_to("elsewhere")
    assert differences(one, other) == [
        "usr/file: another mode",
        "usr/file: other bytes",
        "usr/link: another target",
        "usr/more: only in one of them",
    ]


def test_checksums_are_compared_but_for_those_of_packages(trees: tuple[Path, Path]) -> None:
    for top, sum_ in zip(trees, ("a", "b"), strict=True):
        (top / "md5sums").write_text(f"{sum_}  usr/hello_1.0.0.exopkg\nc  usr/file\n")
    assert differences(*trees) == []
    (trees[1] / "md5sums").write_text("d  usr/file\n")
    assert differences(*trees) == ["md5sums: other bytes"]
