"""A disk, a kernel and an accelerator → one QEMU process with its TPM, ended with this one whatever happens.

Every line to it is a socketpair handed over at its birth: no path, no port, no race, and its end is read as such.
"""

import contextlib
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exosdk.testing.vm import agent, children
from exosdk.testing.vm.accelerator import QEMU
from exosdk.testing.vm.conversation import Conversation, Hear
from exosdk.testing.vm.image import Image
from exosdk.testing.vm.qmp import Monitor
from exosdk.testing.vm.unusable import Unusable

MEMORY = 1 << 30
CORES = 2
_LINE = "root=/dev/vda rw console=ttyS0 quiet loglevel=4 systemd.show_status=0 mitigations=off net.ifnames=0 panic=-1"


@dataclass(frozen=True)
class Hardware:
    """What a machine is made of; a template is restored only into its like."""

    image: Image
    accelerator: tuple[str, ...]
    cores: int = CORES
    extra: tuple[str, ...] = ()

    def arguments(self, disk: Path, serial: Path, memory: Sequence[str]) -> list[str]:
        frame = ["-nodefaults", "-no-user-config", "-display", "none", "-action", "reboot=shutdown,panic=shutdown"]
        start = ["-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd), "-append", _LINE]
        drive = f"file={escaped(disk)},if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap"
        size = ["-smp", str(self.cores), "-m", f"{MEMORY >> 20}M", "-machine", "q35,memory-backend=memory"]
        block = ["-drive", drive, "-device", "virtio-blk-pci,drive=disk"]
        line = ["-chardev", f"file,id=serial,path={escaped(serial)},append=on", "-serial", "chardev:serial"]
        return [QEMU, *frame, *self.accelerator, *size, *memory, *start, *block, *line, *self.extra]


def escaped(path: Path) -> str:
    """A comma ends an option of QEMU; a doubled one does not."""
    return str(path).replace(",", ",,")


def private_memory() -> list[str]:
    return ["-object", f"memory-backend-ram,id=memory,size={MEMORY}"]


def memory_in(file: Path, *, shared: bool) -> list[str]:
    """Memory that is a file: shared while a template is made, its copy-on-write view ever after."""
    place = f"mem-path={escaped(file)},share={'on' if shared else 'off'}"
    return ["-object", f"memory-backend-file,id=memory,size={MEMORY},{place}"]


class Qemu:
    """A running QEMU: `monitor` speaks with it, `guest` with the agent inside."""

    def __init__(self, hardware: Hardware, directory: Path, *, memory: Sequence[str], hear: Hear, defer: bool) -> None:
        """`directory` holds disk.qcow2 and tpm/; logs are added to it. `defer`: waits for a state to come in."""
        self._ends: list[socket.socket] = []
        self._tpm: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        try:
            monitor, theirs = self._pair()
            port, its = self._pair()
            self._start(hardware, directory, memory, theirs, its, ["-incoming", "defer"] if defer else [])
            self.monitor, self.guest = Monitor(monitor), Conversation(port, hear=hear)
            self._greet(directory)
        except BaseException:
            self.cut()
            raise

    def _pair(self) -> tuple[socket.socket, socket.socket]:
        ours, theirs = socket.socketpair()
        self._ends += [ours, theirs]
        return ours, theirs

    def _start(
        self,
        hardware: Hardware,
        directory: Path,
        memory: Sequence[str],
        monitor: socket.socket,
        port: socket.socket,
        more: Sequence[str],
    ) -> None:
        control, tpm = self._pair()
        (directory / "tpm").mkdir(exist_ok=True)
        with (directory / "qemu.log").open("ab") as log:
            state = ["--tpmstate", f"dir={(directory / 'tpm').resolve()}", "--terminate", "--flags", "startup-clear"]
            command = ["swtpm", "socket", "--tpm2", "--ctrl", f"type=unixio,clientfd={tpm.fileno()}", *state]
            self._tpm = children.spawn(command, pass_fds=[tpm.fileno()], log=log)
            devices = [*_monitor(monitor.fileno()), *_port(port.fileno()), *_security(control.fileno())]
            base = hardware.arguments(directory / "disk.qcow2", directory / "serial.log", memory)
            passed = [monitor.fileno(), port.fileno(), control.fileno()]
            self._process = children.spawn([*base, *devices, *more], pass_fds=passed, log=log)
        for end in (control, tpm, monitor, port):
            end.close()

    def _greet(self, directory: Path) -> None:
        try:
            self.monitor.greet()
        except Unusable as error:
            said = (directory / "qemu.log").read_text(errors="replace")[-2_000:]
            raise Unusable(f"cannot start QEMU: {error}; it said: {said}") from error

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def await_end(self, *, deadline: float) -> None:
        """Returns when QEMU ended by itself, as it does when its guest powers off or reboots."""
        assert self._process is not None
        try:
            self._process.wait(deadline)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError("the guest did not go down in time") from error

    def quit(self) -> None:
        """An orderly end of QEMU, not of its guest: every byte that it holds is in its files afterwards."""
        with contextlib.suppress(Unusable):
            self.monitor.ask("quit")
        with contextlib.suppress(TimeoutError):
            self.await_end(deadline=60)
        self.cut()

    def cut(self) -> None:
        """SIGKILL. What the guest had flushed is on its disk, what it had not is lost: a power cut."""
        for child in (self._process, self._tpm):
            if child is not None:
                children.end(child)
        for end in self._ends:
            end.close()


def _monitor(descriptor: int) -> list[str]:
    return ["-chardev", f"socket,id=qmp,fd={descriptor}", "-mon", "chardev=qmp,mode=control"]


def _port(descriptor: int) -> list[str]:
    channel = ["-chardev", f"socket,id=agent,fd={descriptor}", "-device", "virtio-serial-pci"]
    return [*channel, "-device", f"virtserialport,chardev=agent,name={agent.NAME}"]


def _security(descriptor: int) -> list[str]:
    channel = ["-chardev", f"socket,id=tpm,fd={descriptor}", "-tpmdev", "emulator,id=tpm0,chardev=tpm"]
    return [*channel, "-device", "tpm-crb,tpmdev=tpm0"]


def overlay(below: Path, disk: Path, *, kind: str) -> None:
    """An empty disk over another, which it never changes."""
    children.demand("qemu-img")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", str(below.resolve()), str(disk)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unusable(f"cannot make a disk: {done.stderr.strip()}")
