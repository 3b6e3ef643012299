"""A disk image → a machine that starts from it as hardware would, through its firmware, and is spoken with by ssh.

Nothing is put into the image but what a person would: a key and a name on the partition that the firmware boots from.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exosdk.testing.vm import accelerator, children
from exosdk.testing.vm.qmp import Monitor

CODE, VARIABLES = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
ESP_AT = 1 << 20
DEADLINE = 600.0
"""Seconds for a start from cold: ten times what one takes without KVM."""


def provision(disk: Path, *, key: Path, name: str) -> None:
    """Writes the person's key and the machine's name into the disk, as any computer could with a USB stick."""
    given = disk.with_suffix(".name")
    given.write_text(f"{name}\n")
    for source, target in ((key.with_suffix(".pub"), "authorized_keys"), (given, "hostname")):
        subprocess.run(["mcopy", "-i", f"{disk}@@{ESP_AT}", source, f"::/exod/{target}"], check=True)


def copy(image: Path, disk: Path, *, size: int) -> None:
    """As written to a larger disk."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, disk], check=True)
    os.truncate(disk, size)


class Firmware:
    """A running machine. `run` is root's shell."""

    def __init__(self, process: "subprocess.Popen[bytes]", monitor: Monitor, serial: socket.socket, key: Path) -> None:
        self._process, self._monitor, self._serial, self._key = process, monitor, serial, key
        self.said = b""

    def await_prompt(self) -> None:
        """Returns when the serial line asks who logs in: nobody may, but then the machine is up."""
        until = time.monotonic() + DEADLINE
        while b"login: " not in self.said:
            self._serial.settimeout(max(0.001, until - time.monotonic()))
            more = self._serial.recv(65_536)
            assert more, f"the machine ended; it said {self.said[-2_000:]!r}"
            self.said += more

    def run(self, command: str) -> str:
        """Asks again where sshd does not answer yet, for it and the prompt come in any order."""
        until = time.monotonic() + DEADLINE
        while (done := self._ssh(command)).returncode == 255 and time.monotonic() < until:
            pass
        assert done.returncode == 0, f"{command}: {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def press_power_button(self) -> None:
        """Returns when the machine has gone down and is off."""
        self._monitor.ask("system_powerdown")
        self._process.wait(DEADLINE)

    def _ssh(self, command: str) -> "subprocess.CompletedProcess[str]":
        told = str(self._monitor.ask("human-monitor-command", command_line="info usernet"))
        found = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", told)
        assert found, told
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"]
        given = [word for option in (*options, "ConnectTimeout=120") for word in ("-o", option)]
        where = ["-F", "none", "-i", str(self._key), "-p", found.group(1), "root@127.0.0.1"]
        return subprocess.run(["ssh", *given, *where, command], capture_output=True, text=True, timeout=DEADLINE)


@contextmanager
def started(disk: Path, *, key: Path, place: Path, remembered: Path) -> Iterator[Firmware]:
    """`place` is for its variables and log; `remembered` for the verdict on KVM."""
    pairs = [socket.socketpair() for _ in range(2)]
    (monitor, theirs), (serial, its) = pairs
    shutil.copy(VARIABLES, place / "variables")
    with (place / "qemu.log").open("ab") as log:
        passed = [theirs.fileno(), its.fileno()]
        command = [*_arguments(disk, place), *_lines(*passed), *_accelerator(disk, place, remembered)]
        child = children.spawn(command, pass_fds=passed, log=log)
    theirs.close()
    its.close()
    try:
        speaking = Monitor(monitor)
        speaking.greet()
        yield Firmware(child, speaking, serial, key)
    finally:
        children.end(child)
        for pair in pairs:
            for end in pair:
                end.close()


def _arguments(disk: Path, place: Path) -> list[str]:
    frame = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-smp", "2", "-m", "1G"]
    flash = [
        *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={CODE}"),
        *("-drive", f"if=pflash,unit=1,format=raw,file={place / 'variables'}"),
    ]
    block = ["-drive", f"file={disk},if=none,id=disk,format=raw,cache=unsafe", "-device", "virtio-blk-pci,drive=disk"]
    # It sees the host and nothing else; port 0 is whichever is free.
    network = [
        "-netdev",
        "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22",
        "-device",
        "virtio-net-pci,netdev=net,romfile=",
    ]
    return [accelerator.QEMU, *frame, *flash, *block, *network]


def _lines(monitor: int, serial: int) -> list[str]:
    speak = ["-chardev", f"socket,id=qmp,fd={monitor}", "-mon", "chardev=qmp,mode=control"]
    return [*speak, "-chardev", f"socket,id=serial,fd={serial}", "-serial", "chardev:serial"]


def _accelerator(disk: Path, place: Path, remembered: Path) -> list[str]:
    """Asked with the image's own kernel, which lies where the boot loader looks."""
    listed = subprocess.run(
        ["mdir", "-/", "-b", "-i", f"{disk}@@{ESP_AT}", "::"], check=True, capture_output=True, text=True
    )
    [kernel] = [line for line in listed.stdout.splitlines() if line.endswith("/linux")]
    subprocess.run(["mcopy", "-n", "-i", f"{disk}@@{ESP_AT}", kernel, place / "linux"], check=True)
    remembered.mkdir(mode=0o700, parents=True, exist_ok=True)
    return list(accelerator.choose(place / "linux", remembered=remembered))
