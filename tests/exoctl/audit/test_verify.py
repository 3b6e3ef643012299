import json
import shutil
from pathlib import Path

import pytest

from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def change(log: Path, old: bytes, new: bytes) -> None:
    [file] = log.glob("audit-*")
    file.write_bytes(file.read_bytes().replace(old, new, 1))


def cut(log: Path, *, lines: int) -> None:
    [file] = log.glob("audit-*")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.fixture
def key(log: Path, tmp_path: Path) -> str:
    taken = tmp_path / "audit.key"
    shutil.move(log / "initial.key", taken)
    return str(taken)


@pytest.mark.usefixtures("served")
def test_the_daemons_log_is_judged(exoctl: Exoctl) -> None:
    ran = exoctl("audit", "verify")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "records:    1 to 11 in 1 files",
        "end:        a clean stop",
        "keys:       not checked: no --key was given",
        "checkpoint: none",
        "uncovered:  the last 11 records: nobody else remembers them",
        "first key:  still on that host: exoctl audit export --key FILE",
    ]


def test_a_copy_is_judged_with_its_key_and_names_its_checkpoint(
    exoctl: Exoctl, state: Path, key: str, no_daemon: None
) -> None:
    found = exoctl("--json", "audit", "verify", str(state), "--key", key).json
    assert (found["holds"], found["last"], found["sealed"], found["uncovered"]) == (True, 11, 11, 0)
    assert (found["checkpoint"]["who"], found["checkpoint"]["seq"]) == ("the registry", 11)
    assert found["initial_key"] == "unknown"


def test_an_edit_ends_with_3_and_says_where(exoctl: Exoctl, log: Path) -> None:
    change(log, b'"job":"4"', b'"job":"5"')
    ran = exoctl("audit", "verify", str(log))
    assert ran.code == 3
    assert "audit-000000000001.jsonl line 6: edited: the record does not have the hash it carries" in ran.out
    assert ran.err.startswith("exoctl: cannot believe the audit log: audit-000000000001.jsonl line 6: edited")
    document, error = exoctl("--json", "audit", "verify", str(log)).lines
    assert [one["line"] for one in document["findings"]] == [6]
    assert (error["error"]["code"], error["error"]["outcome"]) == ("audit-changed", "refused")


def test_a_cut_tail_is_found_by_the_sealing_key_and_the_registry(exoctl: Exoctl, state: Path, log: Path) -> None:
    cut(log, lines=9)
    whats = [one["what"] for one in exoctl("--json", "audit", "verify", str(state)).lines[0]["findings"]]
    assert whats == [
        "record 11 is remembered by the sealing key, the registry but missing: the log was cut after record 9"
    ]


def test_a_checkpoint_from_elsewhere_counts(exoctl: Exoctl, log: Path, tmp_path: Path) -> None:
    [file] = log.glob("audit-*")
    row = json.loads(file.read_bytes().splitlines()[10])
    cut(log, lines=9)
    (log / "sealing.key").unlink()
    assert exoctl("audit", "verify", str(log)).code == 0
    assert exoctl("audit", "verify", str(log), "--checkpoint", f"11:{row['hash']}").code == 3
    journal = tmp_path / "journal"
    journal.write_text(f"Nov 14 22:13:20 host exod[7]: audit checkpoint: record 11 {row['hash']}\nother\n")
    assert exoctl("audit", "verify", str(log), "--journal", str(journal)).code == 3
    assert exoctl("audit", "verify", str(log), "--checkpoint", "11:abc").code == 2


def test_a_sealing_key_that_is_gone_is_a_finding_for_whoever_has_the_first_key(
    exoctl: Exoctl, log: Path, key: str
) -> None:
    (log / "sealing.key").unlink()
    assert "there is no sealing key" in exoctl("audit", "verify", str(log), "--key", key).out


def test_a_sealing_key_that_is_damaged_proves_nothing(exoctl: Exoctl, log: Path) -> None:
    (log / "sealing.key").write_bytes(b"rubbish")
    assert "checkpoint: none" in exoctl("audit", "verify", str(log)).out


def test_many_findings_are_not_all_printed(exoctl: Exoctl, log: Path) -> None:
    [file] = log.glob("audit-*")
    file.write_bytes(b"rubbish\n" * 50)
    assert exoctl("audit", "verify", str(log)).out.splitlines()[-1].startswith("and 3")


@pytest.mark.parametrize("damage", ["link", "rubbish", "open"])
def test_a_key_that_is_none_is_refused(exoctl: Exoctl, log: Path, key: str, damage: str) -> None:
    path = Path(key)
    if damage == "link":
        path.rename(f"{key}.real")
        path.symlink_to(f"{key}.real")
    elif damage == "rubbish":
        path.write_text("rubbish")
    else:
        path.chmod(0o644)
    assert exoctl("audit", "verify", str(log), "--key", key).code in (1, 2)


def test_a_registry_that_is_none_is_said(exoctl: Exoctl, state: Path) -> None:
    (state / "registry.sqlite").write_bytes(b"rubbish")
    assert exoctl("--json", "audit", "verify", str(state)).error["code"] == "unreadable-file"


def test_a_line_that_never_ends_takes_no_memory(exoctl: Exoctl, log: Path) -> None:
    [file] = log.glob("audit-*")
    with file.open("ab") as stream:
        stream.truncate(stream.tell() + (64 << 20))
    assert exoctl("audit", "verify", str(log)).code == 3


def test_a_file_that_is_a_link_is_not_followed(exod: FakeExod, exoctl: Exoctl, log: Path) -> None:
    (log / "audit-000000000099.jsonl").symlink_to("/etc/passwd")
    assert exoctl("--json", "audit", "verify", str(log)).error["code"] == "unreadable-file"
