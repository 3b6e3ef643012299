"""A booted machine → its memory, state and disk, frozen; and from them a running machine in a second or two.

While a template is made, the guest's memory is a shared file, which simply stays; only the devices' state is migrated
(`x-ignore-shared`). A restored machine maps that file privately and writes to a fresh disk over the frozen one, so
that any number of them come from one template and none can change it.
"""

import contextlib
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from exosdk.testing.vm import qemu
from exosdk.testing.vm.conversation import Hear
from exosdk.testing.vm.qemu import Hardware, Qemu

BOOT = 400.0
"""Seconds within which a guest answers; the slowest of them, on a busy host without KVM, takes a tenth of it."""
_DOWN = 300.0


def boot(hardware: Hardware, directory: Path, *, hear: Hear, memory: list[str] | None = None) -> Qemu:
    """A cold start from `directory`/disk.qcow2; returns when systemd has nothing left to start."""
    running = Qemu(hardware, directory, memory=memory or qemu.private_memory(), hear=hear, defer=False)
    with _or_cut(running):
        running.guest.greet(wall=True, deadline=BOOT)
        running.guest.start(["systemctl", "is-system-running", "--wait"]).wait(timeout=BOOT, check=False)
    return running


def freeze(hardware: Hardware, place: Path, *, hear: Hear, warm: Callable[[Qemu], None]) -> None:
    """Fills `place` with a template: boots, lets `warm` run what every test would otherwise pay for, stops, saves."""
    qemu.overlay(hardware.image.disk, place / "disk.qcow2", kind="raw")
    running = boot(hardware, place, hear=hear, memory=qemu.memory_in(place / "memory", shared=True))
    with _or_cut(running):
        warm(running)
        monitor = running.monitor
        monitor.ask("stop")
        monitor.ask("migrate-set-capabilities", capabilities=[_on("x-ignore-shared"), _on("events")])
        monitor.ask("migrate", uri=f"exec:cat >{shlex.quote(str(place / 'state'))}")
        monitor.await_event("MIGRATION", status="completed")
        running.quit()


def restore(hardware: Hardware, template: Path, directory: Path, *, hear: Hear) -> Qemu:
    """A running machine, its clock right, its disk fresh. `directory` is empty."""
    qemu.overlay(template / "disk.qcow2", directory / "disk.qcow2", kind="qcow2")
    memory = qemu.memory_in(template / "memory", shared=False)
    running = Qemu(hardware, directory, memory=memory, hear=hear, defer=True)
    with _or_cut(running):
        monitor = running.monitor
        monitor.ask("migrate-set-capabilities", capabilities=[_on("x-ignore-shared"), _on("events")])
        monitor.ask("migrate-incoming", uri=f"exec:cat {shlex.quote(str(template / 'state'))}")
        monitor.await_event("MIGRATION", status="completed")
        monitor.ask("cont")
        running.guest.greet(wall=True, deadline=BOOT)
    return running


def down(running: Qemu, how: str) -> None:
    """`systemctl poweroff` or `reboot`: QEMU ends when the guest has."""
    running.guest.start(["systemctl", how])
    running.await_end(deadline=_DOWN)
    running.cut()


def _on(capability: str) -> dict[str, object]:
    return {"capability": capability, "state": True}


@contextlib.contextmanager
def _or_cut(running: Qemu) -> Iterator[None]:
    try:
        yield
    except BaseException:
        running.cut()
        raise
