"""Packages as an attacker would offer them: made from honest ones, each wrong in one way."""

import json
import shutil
import struct
from pathlib import Path

_MAGIC = b"EXOPKG1\n"


def flip_a_byte(package: Path, target: Path) -> Path:
    """The last byte of the code changed, the signature left as it is."""
    data = bytearray(package.read_bytes())
    start = data.rindex(b"return ")
    data[start] ^= 1
    target.write_bytes(data)
    return target


def without_signature(package: Path, target: Path) -> Path:
    """The same package with an empty list of signatures."""
    data = package.read_bytes()
    (length,) = struct.unpack_from("<I", data, len(_MAGIC))
    start = len(_MAGIC) + 4
    envelope = json.loads(data[start : start + length])
    envelope["signatures"] = []
    bare = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
    target.write_bytes(_MAGIC + struct.pack("<I", len(bare)) + bare + data[start + length :])
    return target


def copy_of(source: Path, target: Path, *, version: str) -> Path:
    """The plugin's room with another version."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    manifest = target / "package.toml"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(f'version = "{version}"\n' if line.startswith("version =") else line for line in lines))
    return target


def renamed(source: Path, target: Path, *, name: str) -> Path:
    """The plugin's room under another name, with services of its own."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    manifest = target / "package.toml"
    text = manifest.read_text().replace(f'name = "{source.name}"', f'name = "{name}"', 1)
    manifest.write_text(text)
    return target
