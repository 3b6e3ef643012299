"""KVM is believed only after it booted a kernel, and asked only once in a boot of the host."""

import sys
from pathlib import Path

import pytest

from exosdk.testing.vm import Unusable, accelerator

PLAYED = f"""#!{sys.executable} -I
import signal, sys
if "--version" in sys.argv:
    print("QEMU emulator version 1.2.3")
elif "kvm" in sys.argv:
    print("[0.0] Kernel panic - not syncing", flush=True)
else:
    signal.pause()
"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    qemu = tmp_path / "qemu"
    qemu.write_text(PLAYED)
    qemu.chmod(0o755)
    monkeypatch.setattr(accelerator, "QEMU", str(qemu))
    return qemu


def test_a_kernel_that_gets_to_its_end_in_time_proves_the_accelerator(played: Path) -> None:
    assert accelerator.boots(accelerator.KVM, Path("kernel"))


def test_a_kernel_that_hangs_does_not(played: Path) -> None:
    assert not accelerator.boots(accelerator.TCG, Path("kernel"), deadline=0.05)


def test_the_verdict_is_found_once_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(accelerator, "boots", lambda *_: asked.append("booted") or True)
    device = tmp_path / "kvm"
    device.touch()
    (tmp_path / "kvm-of-another-boot").write_text("does not work")
    chosen = [accelerator.choose(Path("kernel"), remembered=tmp_path, device=device) for _ in range(2)]
    assert chosen == [accelerator.KVM, accelerator.KVM]
    assert asked == ["booted"]
    assert not (tmp_path / "kvm-of-another-boot").exists()


def test_without_the_device_nothing_is_booted(tmp_path: Path) -> None:
    chosen = accelerator.choose(Path("kernel"), remembered=tmp_path, device=tmp_path / "absent")
    assert chosen == accelerator.TCG


def test_the_version_is_asked_and_a_missing_qemu_named(played: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert accelerator.version() == "QEMU emulator version 1.2.3"
    monkeypatch.setattr(accelerator, "QEMU", "no-such-qemu")
    with pytest.raises(Unusable, match="no-such-qemu is missing"):
        accelerator.version()
