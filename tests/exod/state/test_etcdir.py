import os
from pathlib import Path

from exod.errors import Refusal
from exod.state.etcdir import FILE_MAX, Found, read_directory, read_file


def codes(found: Found) -> list[str]:
    return [refusal.code for refusal in found.refusals]


def test_files_come_in_the_order_of_their_names(root: Path) -> None:
    for name in ("20-lab.toml", "10-vendor.toml", "README", ".hidden.toml"):
        (root / name).write_bytes(name.encode())
    assert read_directory(root) == Found((("10-vendor.toml", b"10-vendor.toml"), ("20-lab.toml", b"20-lab.toml")), ())


def test_no_directory_is_no_files(root: Path) -> None:
    assert read_directory(root / "nothing") == Found((), ())
    assert read_file(root / "nothing") is None
    assert read_file(root / "nothing" / "deeper") is None


def test_a_bad_file_refuses_only_itself(root: Path) -> None:
    (root / "good.toml").write_bytes(b"good")
    (root / "open.toml").write_bytes(b"x")
    (root / "open.toml").chmod(0o666)
    (root / "other.toml").write_bytes(b"x")
    os.chown(root / "other.toml", 1234, 0)
    (root / "link.toml").symlink_to(root / "good.toml")
    (root / "large.toml").write_bytes(b"x" * (FILE_MAX + 1))
    (root / "directory.toml").mkdir()
    os.mkfifo(root / "fifo.toml")
    found = read_directory(root)
    assert found.files == (("good.toml", b"good"),)
    assert sorted(codes(found)) == ["file-too-large"] + ["store-insecure"] * 5


def test_a_directory_that_others_may_write_gives_no_file_at_all(root: Path) -> None:
    (root / "good.toml").write_bytes(b"good")
    root.chmod(0o777)
    assert read_directory(root).files == ()
    assert codes(read_directory(root)) == ["store-insecure"]
    assert isinstance(read_file(root / "good.toml"), Refusal)


def test_a_linked_directory_gives_no_file(root: Path) -> None:
    (root / "real").mkdir(mode=0o700)
    (root / "link").symlink_to(root / "real")
    assert codes(read_directory(root / "link")) == ["store-insecure"]


def test_one_file_is_read_under_the_same_conditions(root: Path) -> None:
    (root / "list").write_bytes(b"revoked")
    assert read_file(root / "list") == b"revoked"
    (root / "list").chmod(0o602)
    assert isinstance(read_file(root / "list"), Refusal)


def test_a_name_too_long_is_a_refusal(root: Path) -> None:
    long = root / ("x" * 300)
    refusals = [*read_directory(long).refusals, read_file(long / "file")]
    assert [refusal.code for refusal in refusals if isinstance(refusal, Refusal)] == ["file-unreadable"] * 2
