"""A suite, package names, .deb files → kernel, initrd and a disk with a bootable Debian, kept in the cache.

Two layers: the tree that the archive gives (by its package list), and the disk (by that and by everything we put on
top). Nothing here is secret and nothing is meant to be safe from a guest: an image is for tests.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exosdk.testing.vm import agent, archive, cache, children
from exosdk.testing.vm.unusable import Unusable

BASE = (
    "dbus",
    "e2fsprogs",
    "iproute2",
    "kmod",
    "procps",
    "libnss-systemd",
    "libpam-systemd",
    "linux-image-cloud-amd64",
    "polkitd",
    "python3",
    "systemd",
    "systemd-sysv",
    "udev",
)
# Timers fire at once when a guest that slept for a week is told the date; the consoles are nobody's to log in.
MASKED = (
    *("apparmor.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("fstrim.timer", "logrotate.timer", "man-db.timer", "systemd-tmpfiles-clean.timer"),
    *("getty@tty1.service", "serial-getty@ttyS0.service", "e2scrub_reap.service"),
)
_UNIT = """[Unit]
Description=what tests speak with
DefaultDependencies=no
After=systemd-udevd.service systemd-journald.socket local-fs.target
[Service]
ExecStart=/usr/bin/python3 -IS /usr/lib/vm-agent.py
OOMScoreAdjust=-1000
[Install]
WantedBy=sysinit.target
"""
# Only what finds the disk: an initrd with every driver takes longer to unpack than to use.
_INITRD = (
    'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"; '
    'echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vm"; '
    'printf "virtio_pci\\nvirtio_blk\\nvirtio_console\\n" >"$1/usr/share/initramfs-tools/modules.d/vm"'
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
_SIZE = "3G"


@dataclass(frozen=True)
class Image:
    """A disk that is never written to, and how its kernel is started. `key` names its contents."""

    disk: Path
    kernel: Path
    initrd: Path
    key: str


def make(store: cache.Cache, *, suite: str, packages: Iterable[str] = (), debs: Sequence[Path] = ()) -> Image:
    """The image of `suite` with `packages` from the archive and `debs` installed; what the latter depend on as well."""
    wanted = sorted({*BASE, *packages, *(name for deb in debs for name in depends(deb))})
    below = cache.key(suite=suite, packages=wanted, recipe=[_INITRD, _LEFT_OUT])
    tree = store.entry("tree", below, lambda place: _bootstrap(place, suite, wanted))
    name = cache.key(
        tree=below,
        debs=[hashlib.sha256(deb.read_bytes()).hexdigest() for deb in debs],
        ours=[Path(agent.__file__).read_text(), Path(__file__).read_text()],
    )
    place = store.entry("image", name, lambda place: _assemble(place, tree, debs))
    return Image(place / "disk.raw", place / "vmlinuz", place / "initrd", name)


def depends(deb: Path) -> list[str]:
    """The names a .deb depends on; of alternatives the first."""
    asked = subprocess.run(["dpkg-deb", "-f", str(deb), "Depends"], capture_output=True, text=True)
    if asked.returncode != 0:
        raise Unusable(f"cannot read {deb}: {asked.stderr.strip()}")
    return names(asked.stdout)


def names(relations: str) -> list[str]:
    """`a (>= 1), b:any | c` → a, b."""
    found = (re.match(r"\s*([a-z0-9][a-z0-9.+-]*)", one) for one in relations.split(","))
    return [match.group(1) for match in found if match]


def _bootstrap(place: Path, suite: str, packages: Sequence[str]) -> None:
    _demand_root()
    left_out = [f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT]
    reached = [f"--aptopt={line.rstrip(';')}" for line in archive.options()]
    include = [f"--include={','.join(packages)}", f"--essential-hook={_INITRD}"]
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", *include, *left_out, *reached]
    sources = archive.sources(suite)
    children.demand("mmdebstrap")
    children.run_tree([*command, suite, str(place / "tree.tar"), *sources], log=place / "log", deadline=1_800)


def _assemble(place: Path, tree: Path, debs: Sequence[Path]) -> None:
    _demand_root()
    root, log = place / "root", place / "log"
    root.mkdir()
    children.run_tree(["tar", "-C", str(root), "-xpf", str(tree / "tree.tar")], log=log, deadline=600)
    _furnish(root)
    for deb in debs:
        shutil.copy(deb, root / "tmp" / deb.name)
    inside = ["chroot", str(root), "/usr/bin/env", "-i", f"PATH={agent.PATH}", "DEBIAN_FRONTEND=noninteractive"]
    if debs:
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        archives = [f"/tmp/{deb.name}" for deb in debs]
        children.run_tree([*inside, "dpkg", "-i", *archives], log=log, deadline=600)
        (root / "usr/sbin/policy-rc.d").unlink()
    for deb in debs:
        (root / "tmp" / deb.name).unlink()
    _one(root, "vmlinuz-*").rename(place / "vmlinuz")
    _one(root, "initrd.img-*").rename(place / "initrd")
    disk = place / "disk.raw"
    with disk.open("wb") as file:
        os.truncate(file.fileno(), 0)
    format_ = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", "-L", "root", "-d", str(root), str(disk), _SIZE]
    children.run_tree(format_, log=log, deadline=600)
    shutil.rmtree(root)


def _furnish(root: Path) -> None:
    """What makes a Debian tree a host that tests can speak with."""
    system = root / "etc/systemd/system"
    shutil.copy(agent.__file__, root / "usr/lib/vm-agent.py")
    (system / "vm-agent.service").write_text(_UNIT)
    (system / "sysinit.target.wants").mkdir(exist_ok=True)
    (system / "sysinit.target.wants/vm-agent.service").symlink_to("/etc/systemd/system/vm-agent.service")
    for unit in MASKED:
        (system / unit).unlink(missing_ok=True)
        (system / unit).symlink_to("/dev/null")
    # What is installed from now on comes complete.
    (root / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").unlink(missing_ok=True)
    (root / "etc/hostname").write_text("guest\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost guest\n::1 localhost guest\n")
    (root / "etc/machine-id").write_text(hashlib.sha256(b"guest").hexdigest()[:32] + "\n")
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults,errors=remount-ro 0 1\n")
    (root / "var/log/journal").mkdir(exist_ok=True)


def _one(root: Path, pattern: str) -> Path:
    found = sorted((root / "boot").glob(pattern))
    if not found:
        raise Unusable(f"cannot build an image: the tree has no /boot/{pattern}")
    return found[-1]


def _demand_root() -> None:
    if os.geteuid() != 0:
        raise Unusable("cannot build an image: it needs root to unpack a Debian; run it with sudo")
