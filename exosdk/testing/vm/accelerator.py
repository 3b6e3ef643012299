"""This machine → the QEMU accelerator that works on it, found out by booting a kernel, once in a boot of the host.

A /dev/kvm may open, make a virtual machine and even run its firmware while a kernel hangs in it for ever.
"""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from exosdk.testing.vm import children
from exosdk.testing.vm.unusable import Unusable

QEMU = "qemu-system-x86_64"
KVM = ("-accel", "kvm", "-cpu", "host")
TCG = ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "qemu64")
"""Emulated vector instructions cost more than they save: with `max` a command takes twice as long."""
_DEADLINE = 10.0
"""Seconds; a kernel under a KVM that works gets through in one or two."""


def choose(kernel: Path, *, remembered: Path, device: Path = Path("/dev/kvm")) -> Sequence[str]:
    """Arguments for QEMU. The verdict stands in a file of `remembered` that carries the name of this boot."""
    verdict = remembered / f"kvm-{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"
    if not verdict.exists():
        for old in remembered.glob("kvm-*"):
            old.unlink(missing_ok=True)
        verdict.write_text("works" if os.access(device, os.R_OK | os.W_OK) and boots(KVM, kernel) else "does not work")
    return KVM if verdict.read_text() == "works" else TCG


def boots(accelerator: Sequence[str], kernel: Path, *, deadline: float = _DEADLINE) -> bool:
    """Whether `kernel` runs to where it misses its disk, panics, and QEMU ends instead of rebooting."""
    line = "console=ttyS0 quiet panic=-1"
    frame = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-m", "256M", "-no-reboot"]
    command = [QEMU, *frame, *accelerator, "-kernel", str(kernel), "-append", line, "-serial", "stdio"]
    reader, writer = os.pipe()
    with open(writer, "wb") as log, open(reader, "rb") as said:
        child = children.spawn(command, log=log)
        log.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(deadline)
        children.end(child)
        return b"Kernel panic" in said.read()


def version() -> str:
    """QEMU's; templates of another one are not restored."""
    children.demand(QEMU)
    asked = subprocess.run([QEMU, "--version"], capture_output=True, text=True)
    if asked.returncode != 0:
        raise Unusable(f"cannot run {QEMU}: {asked.stderr.strip()}")
    return asked.stdout.splitlines()[0]
