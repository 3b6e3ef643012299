"""What the rules need of a package."""

from exod.brokers.lint.asking import OTHER_MAX, asked, worth_reading
from exod.package import manifest
from exod.package.manifest import Manifest

TEXT = b"""
[package]
name = "hello"
version = "1.0.0"
summary = "x"
license = "Apache-2.0"
type = "custom"
api = 1
[entry]
python = "hello:Hello"
[sandbox]
filesystem = ["read-only:/etc/os-release"]
network = ["tcp:example.org:443"]
[limits]
tasks = 3
"""


def test_what_the_manifest_asks_for_is_what_the_rules_measure_by() -> None:
    declared = manifest.parse(TEXT)
    assert isinstance(declared, Manifest), declared
    found = asked(declared)
    assert (found.permissions, found.paths, found.tasks) == ({"filesystem", "network"}, ("/etc/os-release",), 3)


def test_large_files_that_are_no_python_are_not_read() -> None:
    tree = {
        "code/a.py": (b"x" * (OTHER_MAX + 1), False),
        "a.txt": (b"x", False),
        "b.bin": (b"x" * (OTHER_MAX + 1), False),
    }
    assert set(worth_reading(tree)) == {"code/a.py", "a.txt"}
