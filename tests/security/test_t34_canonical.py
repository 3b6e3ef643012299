"""THREATS 34: only the one canonical archive, without code that Python or the kernel would run by itself."""

import struct

import pytest

from exoctl.building import build
from exod.errors import Refusal
from exod.package import archive
from exod.package.archive import Archive
from tests.builders import files, zipped

GOOD = zipped()


def code(data: bytes) -> str:
    found = archive.parse(data)
    return found.code if isinstance(found, Refusal) else "accepted"


def test_what_is_accepted_encodes_to_itself() -> None:
    found = archive.parse(GOOD)
    assert isinstance(found, Archive)
    assert archive.write(found.files) == GOOD


@pytest.mark.parametrize("position", range(0, len(GOOD), 5))
@pytest.mark.parametrize("bit", [1, 128])
def test_no_bit_of_an_archive_may_change(position: int, bit: int) -> None:
    """But in a file's mode, whose two values are both canonical."""
    changed = bytearray(GOOD)
    changed[position] ^= bit
    found = archive.parse(bytes(changed))
    assert isinstance(found, Refusal) or archive.write(found.files) == bytes(changed) != GOOD


@pytest.mark.parametrize("paths", [("code/b.py", "code/a.py"), ("code/a.py", "LICENSE")])
def test_another_order_is_refused(paths: tuple[str, str]) -> None:
    first, second = (archive.write({path: (b"x", False)}) for path in paths)
    locals_ = [data[: data.index(b"PK\1\2")] for data in (first, second)]
    directory = [data[data.index(b"PK\1\2") : data.index(b"PK\5\6")] for data in (first, second)]
    moved = directory[1][:42] + struct.pack("<L", len(locals_[0])) + directory[1][46:]
    size = len(directory[0]) + len(moved)
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 2, 2, size, sum(map(len, locals_)), 0)
    assert code(b"".join((*locals_, directory[0], moved, end))) == "archive-not-canonical"


@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**31 + 1, 2**32 - 2, 2**32 - 1])
@pytest.mark.parametrize("fields", [(18,), (22,), (18, 22)])
def test_sizes_at_the_edges_of_32_bits_are_refused(size: int, fields: tuple[int, ...]) -> None:
    changed = bytearray(GOOD)
    for field in fields:
        struct.pack_into("<L", changed, field, size)
    assert code(bytes(changed)) in ("archive-malformed", "archive-not-canonical")


@pytest.mark.parametrize("field", [26, 28])
def test_lengths_of_names_and_extra_fields_at_their_edge_are_refused(field: int) -> None:
    changed = bytearray(GOOD)
    struct.pack_into("<H", changed, field, 0xFFFF)
    assert code(bytes(changed)) != "accepted"


@pytest.mark.parametrize("flag", [0x1, 0x8, 0x40, 0x800, 0x2000])
def test_encryption_descriptors_and_other_flags_are_refused(flag: int) -> None:
    changed = bytearray(GOOD)
    struct.pack_into("<H", changed, 6, flag)
    assert code(bytes(changed)) == "archive-not-canonical"


@pytest.mark.parametrize(
    ("path", "content", "wanted"),
    [
        ("code/hello.pyc", b"", "archive-bytecode"),
        ("code/__pycache__/hello.cpython-311.pyc", b"", "archive-bytecode"),
        ("code/zz.pth", b"import os", "archive-bytecode"),
        ("code/fast.so", b"\x7fELF", "machine-code"),
        ("code/fast.cpython-311-x86_64-linux-gnu.so", b"", "machine-code"),
        ("assets/readme.txt", b"\x7fELF\2\1\1", "machine-code"),
    ],
)
def test_code_that_was_not_read_by_anyone_is_refused(path: str, content: bytes, wanted: str) -> None:
    found = build(files(extra={path: content}))
    assert isinstance(found, Refusal)
    assert found.code == wanted
