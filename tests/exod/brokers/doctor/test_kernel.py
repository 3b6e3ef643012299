"""Every hardening setting is found loose, repaired for real where the test covers it, and found tight."""

from pathlib import Path

import pytest

from exod.brokers.doctor import kernel
from exod.brokers.doctor.check import Level
from tests.exod.brokers.doctor.broken import apart, check, cover, found, host, level, tmpfs

PRESENT = [one for one in kernel.SETTINGS if (kernel.PROC / one.name).exists()]


@pytest.mark.parametrize("setting", PRESENT, ids=lambda one: one.id)
def test_a_loose_setting_is_repaired_now_and_for_the_next_boot(setting: kernel.Setting, tmp_path: Path) -> None:
    at = host(tmp_path)
    loose = setting.least - 1 if setting.least else setting.most + 1

    def look() -> list[object]:
        cover(str(kernel.PROC / setting.name), f"{loose}\n")
        Path("/etc/sysctl.d").mkdir(exist_ok=True)
        tmpfs("/etc/sysctl.d")
        broken = found(setting.id, at)
        repair = check(setting.id).repair
        assert repair is not None
        for action in repair(at):
            action.do()
        return [broken, level(setting.id, at), kernel.PERSISTENT.read_text()]

    broken, healed, kept = apart(look)
    assert broken == ["warning", f"{setting.dotted} is {loose}"]
    assert healed == "ok"
    assert f"{setting.dotted} = {setting.set_to}\n" in kept


def test_a_setting_that_the_kernel_has_not_is_said_and_cannot_be_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "PROC", tmp_path)
    assert level("ptrace-scope", host(tmp_path)) == "warning"
    repair = check("ptrace-scope").repair
    assert repair is not None
    assert repair(host(tmp_path)) == ()


def test_what_was_written_for_the_next_boot_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "PERSISTENT", tmp_path / "sysctl.d/60-exod.conf")
    for row in ("a.b = 1", "c.d = 2", "a.b = 3"):
        kernel._persist(row[:3], row)
    assert kernel.PERSISTENT.read_text().splitlines()[1:] == ["c.d = 2", "a.b = 3"]


def test_a_program_that_is_handed_crashes_is_named(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[tuple[str, str]]:
        pattern = cover("/proc/sys/kernel/core_pattern", "|/usr/share/apport %p\n")
        broken = found("core-pattern", at)
        pattern.write_text("core\n")
        return [broken, found("core-pattern", at)]

    broken, healed = apart(look)
    assert broken == ["warning", "crashes are piped into /usr/share/apport %p"]
    assert healed[0] == "ok"


def test_flaws_of_the_processor_are_named(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[tuple[str, str]]:
        tmpfs(kernel.CPUS)
        (kernel.CPUS / "meltdown").write_text("Vulnerable\n")
        broken = found("cpu-vulnerabilities", at)
        (kernel.CPUS / "meltdown").write_text("Mitigation: PTI\n")
        return [broken, found("cpu-vulnerabilities", at)]

    broken, healed = apart(look)
    assert broken == ["warning", "no protection from: meltdown"]
    assert healed[0] == "ok"


def test_a_clock_that_nobody_keeps_is_told_from_one_that_somebody_does(tmp_path: Path) -> None:
    assert kernel.synchronised(0x40).level is Level.WARNING
    assert kernel.synchronised(0x2001).level is Level.OK
    assert level("clock-synchronised", host(tmp_path)) in ("ok", "warning")
