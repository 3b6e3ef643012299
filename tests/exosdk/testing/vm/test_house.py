"""A template is of one disk, and of no other that was built after it under the same name."""

import os
from pathlib import Path

import pytest

from exosdk.testing.vm import accelerator
from exosdk.testing.vm.house import House
from exosdk.testing.vm.image import Image
from exosdk.testing.vm.qemu import Hardware


def test_a_disk_that_was_built_again_has_a_template_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "version", lambda: "8")
    monkeypatch.setattr(House, "_freeze", lambda *_: None)
    disk, found = tmp_path / "disk.raw", []
    hardware = Hardware(Image(disk, tmp_path / "kernel", tmp_path / "initrd", key="k"), accelerator=())
    for second in (1, 2):
        disk.touch()
        os.utime(disk, (second, second))
        for _ in range(2):
            with House("bookworm", place=tmp_path / "cache", report=lambda _: None) as house:
                found.append(house._template(hardware).name)
    assert found[0] == found[1] != found[2] == found[3]
