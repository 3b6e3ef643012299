"""What an instance prints: bounded, rotated, kept as it came."""

import asyncio
import contextlib
import os
from pathlib import Path

from exod.brokers.logs.files import LINE_MAX, RATE, Drain, Logs


async def written(logs: Logs, *chunks: bytes, instance: int = 1) -> None:
    """All of it, from an instance that then closes its pipe."""
    end, drain = piped(logs, instance=instance)
    for chunk in chunks:
        os.write(end, chunk)
        await asyncio.sleep(0)
    os.close(end)
    for _ in range(100):
        await asyncio.sleep(0)
    assert drain._end < 0


def piped(logs: Logs, *, instance: int) -> tuple[int, Drain]:
    """The writing end, and what drains it."""
    read, write = os.pipe2(os.O_CLOEXEC)
    return write, logs.drain("hello", read, instance=instance)


def file_sizes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in directory.iterdir()}


def texts(logs: Logs, lines: int = 100) -> list[str]:
    return [line.split(" ", 2)[2] for line in logs.tail("hello", lines)]


async def test_lines_are_whole_however_they_arrive(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "log", limit=1 << 20)
    await written(logs, b"fi", b"rst\nsec", b"ond\n", b"last")
    assert texts(logs) == ["first", "second", "last"]
    logs.close()


async def test_each_line_says_when_and_which_instance(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=1 << 20)
    await written(logs, b"x\n", instance=42)
    stamp, instance, text = logs.tail("hello", 1)[0].split(" ")
    assert float(stamp) > 1.6e9
    assert (instance, text) == ("42", "x")
    logs.close()


async def test_a_log_never_grows_beyond_two_files_of_its_limit(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=10_000)
    for number in range(20):
        await written(logs, *[b"%d " % number + b"y" * 60 + b"\n"] * 50)
    sizes = file_sizes(tmp_path)
    assert set(sizes) == {"hello.log", "hello.log.1"}
    assert max(sizes.values()) <= 10_000
    assert texts(logs, 1)[0].startswith("19 ")
    logs.close()


async def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=1 << 20)
    await written(logs, b"z" * 60_000, b"\nnext\n")
    assert len(texts(logs)[0]) == LINE_MAX
    assert texts(logs)[-1] == "next"
    logs.close()


async def test_bytes_are_kept_raw_and_shown_as_text(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=1 << 20)
    await written(logs, b"\x1b[2J\xff\x00\n")
    assert b"\x1b[2J\xff\x00" in (tmp_path / "hello.log").read_bytes()
    assert texts(logs) == ["\x1b[2J\ufffd\x00"]
    logs.close()


async def test_closing_takes_what_is_still_in_the_pipe(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=1 << 20)
    end, drain = piped(logs, instance=1)
    os.write(end, b"late")
    drain.close()
    drain.close()
    assert texts(logs) == ["late"]
    os.close(end)
    logs.close()


async def test_a_flood_is_read_in_turns(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=1 << 20)
    end, drain = piped(logs, instance=1)
    os.write(end, b"w\n" * 20_000)
    drain._readable()
    assert 0 < len(texts(logs, 100_000)) <= 20_000
    drain.close()
    os.close(end)
    logs.close()


async def test_a_flood_is_read_at_the_pace_of_the_log(tmp_path: Path) -> None:
    logs = Logs(tmp_path, limit=1 << 30)
    end, drain = piped(logs, instance=1)
    os.set_blocking(end, False)
    written = 0
    try:
        for _ in range(200):
            with contextlib.suppress(BlockingIOError):
                written += os.write(end, b"\n" * 65536)
            await asyncio.sleep(0)
        assert (tmp_path / "hello.log").stat().st_size < RATE + 65536 * 24
        assert written < 200 * 65536
    finally:
        os.close(end)
        drain.close()
        logs.close()
