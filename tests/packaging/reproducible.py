"""`make reproducible SUITE=`: the package built twice from one tree with one key, and every difference between the two.

Only the signatures of first-party packages may differ: half of each is random by design.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from exod.package import envelope, package

ROOT = Path(__file__).resolve().parents[2]


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two unpacked packages, a line each."""
    names = sorted({str(path.relative_to(top)) for top in (one, other) for path in top.rglob("*")})
    return [said for name in names for said in _differences(one / name, other / name, name)]


def _differences(one: Path, other: Path, name: str) -> Iterator[str]:
    if os.path.lexists(one) != os.path.lexists(other):
        yield f"{name}: only in one of them"
        return
    if one.lstat().st_mode != other.lstat().st_mode:
        yield f"{name}: another mode"
    if one.is_symlink():
        if one.readlink() != other.readlink():
            yield f"{name}: another target"
    elif one.is_file() and contents(one) != contents(other):
        yield f"{name}: other bytes"


def contents(path: Path) -> bytes:
    """The bytes of a file; of a signed package all but the signatures, of the list of checksums all but theirs."""
    data = path.read_bytes()
    if path.name == "md5sums":
        return b"".join(line for line in data.splitlines(keepends=True) if not line.endswith(b".exopkg\n"))
    if path.suffix != package.SUFFIX:
        return data
    head, body = package.split(data)
    whole = envelope.read(head, expected=[envelope.PACKAGE])
    unsigned = replace(whole, signatures=tuple(replace(one, sig=b"") for one in whole.signatures))
    return unsigned.encode() + body


def _build(suite: str, directory: Path) -> Path:
    """Unpacked below `directory`."""
    environment = os.environ | {"SUITE": suite, "OUT": str(directory / "out")}
    subprocess.run([ROOT / "packaging/deb/build.sh"], env=environment, check=True)
    [found] = (directory / "out" / suite).glob("*.deb")
    subprocess.run(["dpkg-deb", "--raw-extract", found, directory / "tree"], check=True)
    # Times as the archive has them; unpacking gives others to directories with links.
    listing = subprocess.run(["dpkg-deb", "--contents", found], check=True, capture_output=True).stdout
    (directory / "tree/contents").write_bytes(listing)
    return directory / "tree"


def main(suite: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        first, second = (Path(scratch, name) for name in ("first", "second"))
        one, other = _build(suite, first), _build(suite, second)
        found = differences(one, other)
        files = sum(path.is_file() for path in one.rglob("*"))
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.stdout.write(f"reproducible: {suite}: {files} files, {len(found)} differences\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
