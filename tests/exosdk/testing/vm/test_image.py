"""What an image is made of; that one is made and boots is shown in tests/vm."""

from pathlib import Path

import pytest

from exosdk.testing.vm import Unusable, image


def test_the_names_of_relations_are_found() -> None:
    assert image.names("python3 (>= 3.11), dbus:any | dbus-broker, libc6 (>> 2), ") == ["python3", "dbus", "libc6"]


def test_what_is_no_deb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_text("no archive")
    with pytest.raises(Unusable, match="cannot read"):
        image.depends(tmp_path / "x.deb")


def test_a_tree_without_a_kernel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    with pytest.raises(Unusable, match="vmlinuz"):
        image._one(tmp_path, "vmlinuz-*")
