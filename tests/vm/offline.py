"""A .deb and a guest that lacks what it depends on → an apt source in the guest that has just that: it sees no network.

Fetched by this machine's apt as if it were the guest: from the archives that apt knows, checked by their keys.
"""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from exosdk.testing.vm import Machine, archive

PLACE = "/srv/apt"


def provide(vm: Machine, deb: Path, *, suite: str, work: Path) -> int:
    """How many packages that took. `work` is an empty directory of the host."""
    fetched = sorted(_fetch(vm, deb, suite=suite, work=work).glob("*.deb"))
    index = "".join(_entry(path) for path in fetched)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in fetched:
            tar.add(path, path.name)
        head = tarfile.TarInfo("Packages")
        head.size = len(index.encode())
        tar.addfile(head, io.BytesIO(index.encode()))
    vm.put(f"{PLACE}/all.tar", packed.getvalue())
    vm.run(f"cd {PLACE} && tar xf all.tar && rm all.tar; rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*")
    vm.put("/etc/apt/sources.list.d/local.list", f"deb [trusted=yes] file:{PLACE} ./\n")
    vm.run("apt-get update")
    return len(fetched)


def _fetch(vm: Machine, deb: Path, *, suite: str, work: Path) -> Path:
    for name in ("state/lists/partial", "cache/archives/partial", "etc"):
        (work / name).mkdir(parents=True)
    (work / "status").write_bytes(vm.get("/var/lib/dpkg/status"))
    (work / "etc/sources.list").write_text("\n".join(archive.sources(suite)) + "\n")
    places = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": work / "etc/sources.list",
        "Dir::Etc::sourceparts": "-",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
    }
    apt = ["apt-get", "-qq", "-y", *(f"-o{name}={value}" for name, value in places.items())]
    subprocess.run([*apt, "update"], check=True, timeout=600)
    subprocess.run([*apt, "install", "--download-only", str(deb)], check=True, timeout=900)
    return work / "cache/archives"


def _entry(path: Path) -> str:
    said = subprocess.run(["dpkg-deb", "-f", str(path)], check=True, capture_output=True, text=True).stdout
    data = path.read_bytes()
    return f"{said}Filename: ./{path.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"
