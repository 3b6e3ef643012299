"""THREATS 6: hostile archives, made by another zip writer or by hand, in a package that is otherwise well signed."""

import hashlib
import io
import stat
import struct
import zipfile
from dataclasses import replace

import pytest

from exoctl.building import payload_for
from exoctl.private import sign
from exod.errors import Refusal
from exod.package import archive, parse
from exod.package.envelope import PACKAGE
from exod.package.package import join
from exod.package.payload import Payload
from tests.builders import NOW, files, key, zipped

GOOD = zipped()


def verdict(body: bytes) -> str:
    """A signer who signs anything: digest and size are right, only the archive is not."""
    honest = payload_for(GOOD, signer=key().key_id, issued=NOW)
    assert isinstance(honest, Payload)
    claims = replace(honest, size=len(body), sha256=hashlib.sha256(body).hexdigest())
    found = parse(join(sign(PACKAGE, claims.encode(), keys=(key(),)), body))
    return found.code if isinstance(found, Refusal) else "accepted"


def other_writer(*entries: tuple[zipfile.ZipInfo | str, bytes], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.comment = comment
        for path, (data, _) in files().items():
            out.writestr(plain(path), data)
        for name, data in entries:
            out.writestr(name, data)
    return buffer.getvalue()


def plain(name: str, *, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_the_honest_archive_is_accepted() -> None:
    assert verdict(GOOD) == "accepted"


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "code/../../x", "/etc/passwd", "code\\..\\x", "C:/x", "code/\u0430.py", "code/"]
)
def test_a_name_that_leaves_the_tree_is_refused(name: str) -> None:
    assert verdict(other_writer((plain(name), b"x"))) in ("archive-path", "archive-not-canonical")


def test_a_name_with_nul_or_of_other_bytes_is_refused() -> None:
    body = archive.write(files(extra={"code/aXb.py": b"x"}))
    for raw in (b"code/a\0b.py", b"code/a\xffb.py", b"code/a\nb.py"):
        assert verdict(body.replace(b"code/aXb.py", raw)) == "archive-path"


@pytest.mark.parametrize(
    "kind",
    [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR, stat.S_IFREG | stat.S_ISUID],
)
def test_what_is_no_plain_file_is_refused(kind: int) -> None:
    body = bytearray(GOOD)
    struct.pack_into("<L", body, body.index(b"PK\1\2") + 38, (kind | 0o755) << 16)
    assert verdict(bytes(body)) == "archive-mode"


def test_the_same_name_twice_is_refused() -> None:
    body = archive.write(files(extra={"code/hellp.py": b"evil"}))
    assert verdict(body.replace(b"code/hellp.py", b"code/hello.py")) == "archive-malformed"


def test_names_that_collide_without_case_are_refused() -> None:
    body = archive.write(files(extra={"code/HELLO.py": b"evil"}))
    assert verdict(body) == "archive-collision"


def test_a_bomb_is_refused_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("code/zeros.py", bytes(50_000_000))
    assert len(buffer.getvalue()) < 100_000
    assert verdict(buffer.getvalue()) == "archive-not-canonical"


def test_overlapping_entries_are_refused() -> None:
    """The bomb that quotes one body many times: all directory entries point at the first header."""
    body = bytearray(GOOD)
    second = body.index(b"PK\1\2", body.index(b"PK\1\2") + 4)
    struct.pack_into("<L", body, second + 42, 0)
    assert verdict(bytes(body)) == "archive-not-canonical"


@pytest.mark.parametrize("field", [10, 12, 14, 16, 20, 24, 28, 30, 32, 34, 36, 42])
def test_a_directory_that_disagrees_with_the_headers_is_refused(field: int) -> None:
    body = bytearray(GOOD)
    body[body.index(b"PK\1\2") + field] ^= 1
    assert verdict(bytes(body)) != "accepted"


def test_another_name_in_the_directory_is_refused() -> None:
    at = GOOD.rindex(b"code/hello.py")
    assert verdict(GOOD[:at] + b"code/hellx.py" + GOOD[at + 13 :]) == "archive-not-canonical"


def test_bytes_that_no_entry_owns_are_refused() -> None:
    directory = GOOD.index(b"PK\1\2")
    end = GOOD.index(b"PK\5\6")
    for at in (0, directory, end, len(GOOD)):
        assert verdict(GOOD[:at] + b"hidden" + GOOD[at:]) != "accepted"


def test_comments_and_the_dates_of_another_writer_are_refused() -> None:
    assert verdict(other_writer(comment=b"hello")) == "archive-not-canonical"
