"""Trust, settings, the store and the log: each with a fault planted in files of the test's own, and taken out again."""

import asyncio
from pathlib import Path

import pytest

from exod.examining import record
from exod.trust import state as states
from exod.trust.state import TrustState
from tests.builders import key, signed_package
from tests.exod.brokers.doctor.broken import NOW, apart, cover, found, host, level

LAB = key("vendor").identity


def put(path: Path, text: str | bytes) -> Path:
    """As root's own, 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def anchor(directory: Path, *, more: str = "", name: str = "lab") -> Path:
    rows = f'level = "trusted"\nidentity = "{LAB.encode()}"\nscope = ["hello"]\n{more}'
    return put(directory / f"etc/trust.d/{name}.toml", rows)


@pytest.mark.parametrize(
    ("id_", "file", "bad", "good"),
    [
        ("settings", "etc/exod.toml", "job-dayz = 7\n", "job-days = 7\n"),
        ("policies", "etc/plugins.d/echo.toml", "criticl = true\n", "critical = true\n"),
        ("trust-files", "etc/trust.d/revoked.toml", "keys = 7\n", ""),
    ],
)
def test_a_file_that_is_not_taken_is_wrong_until_it_is_mended(
    id_: str, file: str, bad: str, good: str, tmp_path: Path
) -> None:
    put(host(tmp_path).layout.config.parent / file, bad)
    assert level(id_, host(tmp_path)) == "wrong"
    put(tmp_path / file, good)
    assert level(id_, host(tmp_path)) == "ok"


def test_a_file_that_others_may_write_is_not_taken(tmp_path: Path) -> None:
    at = host(tmp_path)
    anchor(tmp_path).chmod(0o666)
    assert level("trust-files", at) == "wrong"


@pytest.mark.parametrize(
    ("expires", "expected"),
    [("2026-12-31", "wrong"), ("2027-01-31", "warning"), ("2028-01-01", "ok"), (None, "ok")],
)
def test_an_anchor_is_judged_by_its_end(expires: str | None, expected: str, tmp_path: Path) -> None:
    at = host(tmp_path)
    assert level("trust-anchors", at) == "warning", "nobody is trusted yet"
    anchor(tmp_path, more=f"expires = {expires}\n" if expires else "")
    assert level("trust-anchors", at) == expected


def test_without_a_revocation_list_nothing_is_wrong_unless_one_is_required(tmp_path: Path) -> None:
    assert level("revocation-list", host(tmp_path)) == "warning"
    put(tmp_path / "etc/exod.toml", "revocation-required = true\n")
    assert level("revocation-list", host(tmp_path)) == "wrong"


@pytest.mark.parametrize("by", ["key", "package"])
def test_an_installed_package_that_is_revoked_is_wrong_until_it_is_removed(by: str, tmp_path: Path) -> None:
    at = host(tmp_path)
    anchor(tmp_path)
    stored = put(tmp_path / "lib/packages/hello/1.0.0.exopkg", data := signed_package())
    assert found("revoked-packages", at) == ("ok", "1 packages, none revoked")
    from exod.package import Package, parse

    package = parse(data)
    assert isinstance(package, Package)
    row = f'[keys]\n"{LAB.key_id}" = "stolen"\n' if by == "key" else f'packages = ["{package.digest}"]\n'
    put(tmp_path / "etc/trust.d/revoked.toml", row)
    verdict, words = found("revoked-packages", at)
    assert (verdict, "hello 1.0.0" in words) == ("wrong", True)
    stored.unlink()
    assert level("revoked-packages", at) == "ok"


def test_a_package_that_is_damaged_in_the_store_is_wrong(tmp_path: Path) -> None:
    at = host(tmp_path)
    put(tmp_path / "lib/packages/hello/1.0.0.exopkg", b"EXOPKG1\nxx")
    assert level("revoked-packages", at) == "wrong"


def test_a_clock_behind_what_was_seen_is_wrong_until_time_has_caught_up(tmp_path: Path) -> None:
    at = host(tmp_path)
    assert level("clock", at) == "ok"
    file = put(tmp_path / "lib/trust/state.json", states.encode(TrustState(clock=int(NOW) + 10 * 86400)))
    assert level("clock", at) == "wrong"
    put(file, states.encode(TrustState(clock=int(NOW) - 5)))
    assert level("clock", at) == "ok"
    put(file, b"{}")
    assert level("clock", at) == "wrong"


def test_a_log_that_was_changed_is_wrong(tmp_path: Path) -> None:
    at = host(tmp_path)
    assert level("audit-chain", at) == "ok"
    record(tmp_path / "lib", {"what": "repair", "check": "clock"})
    assert level("audit-chain", at) == "ok"
    [log] = (tmp_path / "lib/audit").glob("*.jsonl")
    sound = log.read_bytes()
    log.write_bytes(sound.replace(b'"clock"', b'"crock"'))
    assert level("audit-chain", at) == "wrong"
    log.write_bytes(sound)
    assert level("audit-chain", at) == "ok"
    asyncio.set_event_loop_policy(None)


def test_an_account_in_the_range_is_wrong(tmp_path: Path) -> None:
    at = host(tmp_path)
    uid = at.chosen.uid_first + 5

    def look() -> list[str]:
        passwd = cover("/etc/passwd", f"root:x:0:0::/:/bin/sh\nmallory:x:{uid}:100::/:/bin/sh\n")
        broken = found("uid-range", at)[1]
        passwd.write_text("root:x:0:0::/:/bin/sh\n")
        return [broken, level("uid-range", at)]

    broken, healed = apart(look)
    assert broken.startswith("mallory has some of")
    assert healed == "ok"


def test_a_subordinate_range_in_the_range_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = host(tmp_path)
    from exod.brokers.doctor import trusted

    monkeypatch.setattr(trusted, "SUBUID", put(tmp_path / "subuid", f"eve:{at.chosen.uid_last}:10\nbad\n"))
    assert found("uid-range", at)[1].startswith("eve has some of")
