import asyncio
from pathlib import Path

import pytest

from exod.brokers.doctor.chain import broken
from exod.state.audit import Audit
from exod.state.writer import Writer


async def _write(place: Path) -> None:
    writer = Writer()
    audit = await Audit.open(place, writer=writer)
    for number in range(3):
        audit.write("job", {"job": number})
    await audit.close()
    await writer.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    place = tmp_path / "audit"
    asyncio.run(_write(place))
    [file] = place.glob("*.jsonl")
    return file


def rewrite(log: Path, lines: list[bytes]) -> list[str]:
    log.write_bytes(b"".join(lines))
    return [found.partition(": ")[2] for found in broken(log.parent)]


def test_a_log_that_nobody_touched_has_nothing(log: Path) -> None:
    assert broken(log.parent) == []
    assert broken(log.parent.parent) == []


def test_what_was_edited_cut_out_or_reordered_is_named(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    edited = lines[1].replace(b'"job":"0"', b'"job":"7"')
    assert rewrite(log, [lines[0], edited, *lines[2:]])[0] == "line 2 is not what was written there"
    assert rewrite(log, [*lines[:1], *lines[2:]]) == ["line 2 does not follow record 1"]
    assert rewrite(log, [lines[0], lines[2], lines[1], *lines[3:]])[0] == "line 2 does not follow record 1"


@pytest.mark.parametrize(
    "line", [b"rubbish\n", b"[1]\n", b"{}\n", b"[" * 5000 + b"\n", b"\xff\n", b'{"hash":1}\n', b"{"]
)
def test_what_is_no_record_is_named_and_crashes_nothing(log: Path, line: bytes) -> None:
    assert rewrite(log, [*log.read_bytes().splitlines(keepends=True), line]) == ["line 6 is not what was written there"]
