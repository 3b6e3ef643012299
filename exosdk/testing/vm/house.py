"""A suite and .deb files → machines: images and templates are made when first wanted and kept for the next run."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from exosdk.testing.vm import accelerator, cache, children, image, qemu, template
from exosdk.testing.vm.conversation import Hear
from exosdk.testing.vm.machine import Machine
from exosdk.testing.vm.qemu import Hardware, Qemu

_WARM = (
    ("/usr/bin/python3", "-c", "import asyncio, json, subprocess, traceback"),
    ("journalctl", "--boot", "--lines=1"),
    ("systemctl", "list-jobs"),
    ("busctl", "list"),
)
"""Run once before a machine is frozen, so that what they read is in its memory."""


class House:
    """Images of one suite: `packages` from its archive in all of them; `debs` only in those asked for with them."""

    def __init__(
        self,
        suite: str,
        *,
        packages: Iterable[str] = (),
        debs: Sequence[Path] = (),
        place: Path | None = None,
        report: Hear = sys.stderr.write,
    ) -> None:
        self.suite = suite
        self.packages = sorted({*packages, *(name for deb in debs for name in image.depends(deb))})
        self.debs = tuple(debs)
        self._store = cache.Cache(place or cache.root())
        self._report = report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.prune()
        self._store.close()

    def prune(self) -> None:
        """What nobody used for long, and the disks of runs that were killed."""
        for left in (self._store.place / "run").glob("*-*"):
            if not Path("/proc", left.name.partition("-")[0]).exists():
                shutil.rmtree(left, ignore_errors=True)
        for name in self._store.prune():
            self._report(f"vm: removed {name}, not used for long\n")

    def restored(self, *, bare: bool = False, hear: Hear = sys.stdout.write) -> Machine:
        """A machine from the template, running, a second or two after; `bare` without the .deb files."""
        hardware = self._hardware(bare=bare)
        frozen = self._template(hardware)
        return self._made(hardware, hear, frozen)

    def booted(self, *, bare: bool = False, hear: Hear = sys.stdout.write) -> Machine:
        """A machine that starts cold from a fresh disk."""
        return self._made(self._hardware(bare=bare), hear, None)

    def _made(self, hardware: Hardware, hear: Hear, frozen: Path | None) -> Machine:
        place = self._store.place / "run"
        place.mkdir(exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=place))
        try:
            if frozen is None:
                qemu.overlay(hardware.image.disk, directory / "disk.qcow2", kind="raw")
            with self._timed("restored" if frozen else "booted"):
                return Machine(hardware, directory, hear=hear, frozen=frozen)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def _hardware(self, *, bare: bool) -> Hardware:
        for tool in (accelerator.QEMU, "swtpm", "qemu-img", "setpriv"):
            children.demand(tool)
        with self._timed("image"):
            made = image.make(self._store, suite=self.suite, packages=self.packages, debs=() if bare else self.debs)
        return Hardware(made, tuple(accelerator.choose(made.kernel, remembered=self._store.place)))

    def _template(self, hardware: Hardware) -> Path:
        # A disk that was cleared away and built again has other bytes under the same key; a template is of the first.
        built = hardware.image.disk.stat().st_mtime_ns
        parts = {"image": hardware.image.key, "built": built, "qemu": accelerator.version(), "warm": _WARM}
        like = hardware.arguments(Path("disk"), Path("serial"), qemu.private_memory())
        name = cache.key(**parts, machine=[word for word in like if not word.startswith("/")])
        with self._timed("template"):
            return self._store.entry("template", name, lambda place: self._freeze(hardware, place))

    def _freeze(self, hardware: Hardware, place: Path) -> None:
        with (place / "log").open("w") as log:
            template.freeze(hardware, place, hear=log.write, warm=_warm)

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        if (took := time.monotonic() - began) > 0.5:
            self._report(f"vm: {self.suite} {what}: {took:.1f} s\n")


def _warm(running: Qemu) -> None:
    for command in _WARM:
        running.guest.start(command).wait(check=False)
