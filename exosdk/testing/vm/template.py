"""A booted machine → its memory, state and disk, frozen; and from them a running machine in a second or two.

While a template is made, the guest's memory is a shared file, which simply stays; only the devices' state is migrated
(`x-ignore-shared`). A restored machine maps that file privately and writes to a fresh disk over the frozen one, so
that any number of them come from one template and none can change it.
"""

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from exosdk.testing.vm import qemu
from exosdk.testing.vm.conversation import Conversation, Hear
from exosdk.testing.vm.qemu import Hardware, Qemu

BOOT = 400.0
"""Seconds within which a guest answers; the slowest of them, on a busy host without KVM, takes a tenth of it."""
_ASKED = 60.0
"""Seconds after which it is asked anew whether it has: a guest has been seen that never told who waited for it."""
_DOWN = 300.0


class Silent(Exception):
    """A guest that answered once and does so no more."""


def boot(hardware: Hardware, directory: Path, *, hear: Hear, memory: list[str] | None = None) -> Qemu:
    """A cold start from `directory`/disk.qcow2; returns when systemd has nothing left to start.

    A guest that falls silent on its way (an emulated processor may stop for good) is cut off and started once more.
    """
    try:
        return _boot(hardware, directory, hear, memory)
    except Silent:
        hear("the guest fell silent; its power is cut, and it starts again\n")
        return _boot(hardware, directory, hear, memory)


def _boot(hardware: Hardware, directory: Path, hear: Hear, memory: list[str] | None) -> Qemu:
    running = Qemu(hardware, directory, memory=memory or qemu.private_memory(), hear=hear, defer=False)
    with _or_cut(running):
        running.guest.greet(wall=True, deadline=BOOT)
        settle(running.guest, within=BOOT, asked=_ASKED)
    return running


def settle(guest: Conversation, *, within: float, asked: float) -> None:
    """Returns when systemd has nothing left to start, for which it is asked anew every `asked` seconds.

    Raises TimeoutError with what it still waits for; Silent when there is no answer to that either.
    """
    until = time.monotonic() + within
    while True:
        with contextlib.suppress(TimeoutError):
            guest.start(["systemctl", "is-system-running", "--wait"]).wait(timeout=asked, check=False)
            return
        try:
            said = guest.start(["systemctl", "list-jobs", "--no-pager"]).wait(timeout=asked, check=False).out
        except TimeoutError as error:
            raise Silent(f"the guest does not answer for {asked:.0f} s") from error
        if time.monotonic() > until:
            raise TimeoutError(f"the guest did not end its start; its jobs:\n{said}")


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
