"""The canonical zip: what is written is read back, and nothing else is read at all."""

import io
import struct
import zipfile

import pytest

from exod.errors import Refusal
from exod.package import archive
from exod.package.archive import Archive
from exod.package.malformed import MalformedError

FILES = {
    "package.toml": (b"[package]\n", False),
    "code/hello.py": (b"x = 1\n", False),
    "code/run.py": (b"#!/usr/bin/python3\n", True),
    "LICENSE": (b"", False),
}


def code(data: bytes) -> str:
    found = archive.parse(data)
    return found.code if isinstance(found, Refusal) else "accepted"


def test_what_is_written_is_read_back_with_its_modes() -> None:
    data = archive.write(FILES)
    found = archive.parse(data)
    assert isinstance(found, Archive)
    assert found.files == FILES
    assert found.zip == data


def test_the_same_files_make_the_same_bytes_in_any_order() -> None:
    assert archive.write(dict(reversed(FILES.items()))) == archive.write(FILES)


def test_the_python_library_reads_it_as_an_ordinary_zip() -> None:
    with zipfile.ZipFile(io.BytesIO(archive.write(FILES))) as other:
        assert other.testzip() is None
        assert {info.filename: other.read(info) for info in other.infolist()} == {p: d for p, (d, _) in FILES.items()}
        assert {info.external_attr >> 16 for info in other.infolist()} == {0o100644, 0o100755}


def test_an_archive_without_files_is_an_archive() -> None:
    found = archive.parse(archive.write({}))
    assert isinstance(found, Archive)
    assert found.files == {}


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", archive.write(FILES)[:-1], archive.write(FILES) + b"\0"])
def test_other_bytes_are_refused(data: bytes) -> None:
    assert code(data) != "accepted"


@pytest.mark.parametrize("cut", range(0, len(archive.write(FILES)), 7))
def test_an_archive_cut_anywhere_is_refused(cut: int) -> None:
    assert code(archive.write(FILES)[:cut]) != "accepted"


def test_one_changed_byte_of_content_is_refused() -> None:
    data = archive.write(FILES)
    assert code(data.replace(b"x = 1", b"x = 2")) == "archive-not-canonical"


def test_an_archive_over_the_cap_is_refused_before_it_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 64)
    assert code(archive.write(FILES)) == "archive-too-large"


def test_too_many_files_are_refused_by_reader_and_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive.write(FILES)
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    assert code(data) == "archive-too-large"
    with pytest.raises(MalformedError, match="more than 3 files"):
        archive.check_paths(FILES)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_another_tool_is_refused(compression: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as other:
        other.writestr("code/hello.py", b"x = 1\n" * 100)
    assert code(buffer.getvalue()) in ("archive-not-canonical", "archive-mode")


def test_a_directory_that_lacks_an_entry_is_refused() -> None:
    data = archive.write({"LICENSE": (b"", False)})
    assert code(data[: 30 + len("LICENSE")]) == "archive-malformed"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("code/../hello.py", "archive-path"),
        ("code/./hello.py", "archive-path"),
        ("/code/hello.py", "archive-path"),
        ("code//hello.py", "archive-path"),
        ("code/", "archive-path"),
        ("code/a b.py", "archive-path"),
        ("code/a\0.py", "archive-path"),
        ("code/" + "a" * 200, "archive-path"),
        ("hello.py", "archive-path"),
        ("code", "archive-path"),
        ("secrets/hello.py", "archive-path"),
        ("code/hello.pyc", "archive-bytecode"),
        ("code/HELLO.PYO", "archive-bytecode"),
        ("code/evil.pth", "archive-bytecode"),
        ("code/__pycache__/hello.py", "archive-bytecode"),
        ("code/__PYCACHE__/hello.py", "archive-bytecode"),
    ],
)
def test_a_path_that_is_no_plain_place_in_a_package_is_refused(path: str, wanted: str) -> None:
    assert code(archive.write({path: (b"", False)})) == wanted


@pytest.mark.parametrize(
    "paths",
    [
        ("code/a.py", "code/A.py"),
        ("code/a/x.py", "code/A/y.py"),
        ("code/a", "code/a/x.py"),
        ("code/A", "code/a/x.py"),
        ("code/a/x.py", "code/a.py", "code/A.PY"),
    ],
)
def test_paths_that_another_file_system_would_merge_are_refused(paths: tuple[str, ...]) -> None:
    assert code(archive.write(dict.fromkeys(paths, (b"", False)))) == "archive-collision"


def test_a_file_after_the_directory_of_its_name_is_refused() -> None:
    with pytest.raises(MalformedError, match="collides"):
        archive.check_paths(["code/a/x.py", "code/a"])


@pytest.mark.parametrize("mode", [0o120777, 0o104755, 0o100666, 0o040755, 0o010644, 0o060644, 0])
def test_only_plain_files_of_two_modes_are_taken(mode: int) -> None:
    data = bytearray(archive.write({"LICENSE": (b"", False)}))
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 38, mode << 16)
    assert code(bytes(data)) == "archive-mode"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("code/x.so", b""),
        ("code/x.so.1.2", b""),
        ("code/x.SO", b""),
        ("assets/innocent.png", b"\x7fELF\2\1\1"),
        ("assets/lib.a", b""),
        ("code/x", b"\0asm\1\0\0\0"),
        ("code/y", b"!<arch>\nx"),
    ],
)
def test_machine_code_is_known_by_its_name_or_its_first_bytes(path: str, content: bytes) -> None:
    assert archive.machine_code({"code/a.py": (b"", False), path: (content, False)}) == path


def test_source_and_assets_are_no_machine_code() -> None:
    assert archive.machine_code(FILES) is None
