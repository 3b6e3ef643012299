"""A running guest → what a test does with it: run, put, get, call, wait, cut the power, boot again."""

import contextlib
import inspect
import json
import shlex
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from exosdk.testing.vm import template
from exosdk.testing.vm.conversation import CommandFailed, GuestGone, Hear, Result, Running
from exosdk.testing.vm.qemu import Hardware, Qemu
from exosdk.testing.vm.unusable import Unusable

DEADLINE = 240.0
"""Seconds for one command, many times what it takes: a test fails by what it sees, not by how slow the host is."""
PYTHON = "/usr/bin/python3"
_CALL = """from __future__ import annotations  # names in them are of the test, not of the guest
import json, sys, traceback
_given = json.load(sys.stdin)
{source}
try:
    _said = {{"value": {name}(*_given["positional"], **_given["named"])}}
except BaseException as _error:
    _said = {{"error": type(_error).__name__, "trace": traceback.format_exc()}}
with open({answer!r}, "w") as _file:
    json.dump(_said, _file)
"""
_WAIT = """
while :; do
    state=$(systemctl show --property=ActiveState --value -- "$1")
    [ "$state" = "$2" ] && exit 0
    if [ "$state" = failed ]; then systemctl status --no-pager --lines=20 -- "$1" >&2; exit 3; fi
done
"""


class Machine:
    """One guest with a disk of its own in `directory`, where its serial line and QEMU's words are kept as well."""

    def __init__(self, hardware: Hardware, directory: Path, *, hear: Hear, frozen: Path | None = None) -> None:
        """Restored from `frozen`, or booted from `directory`/disk.qcow2."""
        self.directory = directory
        self._hardware = hardware
        self._hear = hear
        self._qemu: Qemu | None = (
            template.boot(hardware, directory, hear=hear)
            if frozen is None
            else template.restore(hardware, frozen, directory, hear=hear)
        )

    @property
    def qemu(self) -> Qemu:
        """The process behind it: its monitor can plug, unplug, stop."""
        if self._qemu is None:
            raise GuestGone("the machine is off")
        return self._qemu

    def start(
        self,
        command: str | Sequence[str],
        *,
        user: str | None = None,
        input: bytes | str = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Running:
        """Text goes through /bin/sh, a list runs as it stands. Returns at once; several may run beside each other."""
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        given = input.encode() if isinstance(input, str) else input
        self._hear(f"{user or 'root'}# {shlex.join(argv[2:] if isinstance(command, str) else argv)}\n")
        return self.qemu.guest.start(argv, input=given, user=user, env=dict(env or {}), cwd=cwd)

    def run(
        self,
        command: str | Sequence[str],
        *,
        check: bool = True,
        timeout: float = DEADLINE,
        user: str | None = None,
        input: bytes | str = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Result:
        """Raises CommandFailed when it ends with another code than 0, unless `check` is off; TimeoutError."""
        return self.start(command, user=user, input=input, env=env, cwd=cwd).wait(timeout=timeout, check=check)

    def json(self, command: str | Sequence[str], **how: Any) -> Any:
        """What a command printed as JSON."""
        return json.loads(self.run(command, **how).out)

    def put(self, path: str, what: bytes | str | Path, *, mode: int = 0o644) -> None:
        """Text, bytes, or a file of the host, as the file `path` of the guest; its directory is made."""
        data = what.read_bytes() if isinstance(what, Path) else what.encode() if isinstance(what, str) else what
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
        self._quietly(["/bin/sh", "-c", script, "put", path, f"{mode:o}"], data)

    def get(self, path: str) -> bytes:
        return self._quietly(["cat", "--", path]).raw

    def _quietly(self, argv: Sequence[str], data: bytes = b"") -> Result:
        return self.qemu.guest.start(argv, input=data, quiet=True).wait(timeout=DEADLINE)

    def wait_unit(self, unit: str, state: str = "active", *, timeout: float = DEADLINE) -> None:
        """Asks again and again, each question a process. Raises CommandFailed with its status when it has failed."""
        self.run(["/bin/sh", "-c", _WAIT, "wait", unit, state], timeout=timeout)

    def call(
        self,
        function: Callable[..., Any],
        *positional: Any,
        python: str = PYTHON,
        timeout: float = DEADLINE,
        **named: Any,
    ) -> Any:
        """Runs a function in the guest: its source goes there, so it imports what it needs itself.

        Arguments and the value travel as JSON. Its AssertionError is ours; any other exception a RuntimeError.
        """
        answer = "/tmp/vm-answer"
        source = _CALL.format(source=source_of(function), name=function.__name__, answer=answer)
        given = json.dumps({"positional": positional, "named": named})
        self.run([python, "-c", source], input=given, timeout=timeout)
        said = json.loads(self.get(answer))
        if "error" in said:
            kind = AssertionError if said["error"] == "AssertionError" else RuntimeError
            raise kind(f"in the guest: {said['trace']}")
        return said["value"]

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """Records of this boot, oldest first; `matches` are journalctl's: FIELD=value, or options such as -u."""
        said = self._quietly(["journalctl", "--boot", "--quiet", "--output=json", "--no-pager", *matches])
        return [json.loads(line) for line in said.out.splitlines()]

    def power_cut(self) -> None:
        """SIGKILL to QEMU, then a cold start from the same disk: what was not flushed is lost."""
        self.off()
        self.on()

    def reboot(self) -> None:
        """An orderly reboot; the same disk and TPM."""
        template.down(self.qemu, "reboot")
        self._qemu = None
        self.on()

    def off(self) -> None:
        """Cuts the power; twice is fine."""
        if self._qemu is not None:
            self._qemu.cut()
            self._qemu = None

    def on(self) -> None:
        self._qemu = template.boot(self._hardware, self.directory, hear=self._hear)

    def keep(self, target: Path) -> None:
        """What explains a failure: the journal, if the guest still answers, its serial line and QEMU's words."""
        target.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(GuestGone, TimeoutError, CommandFailed, RuntimeError, Unusable):
            said = self._short(["journalctl", "--boot", "--no-pager", "--output=short-precise"])
            (target / "journal.txt").write_bytes(said)
        for name in ("serial.log", "qemu.log"):
            if (self.directory / name).exists():
                shutil.copy(self.directory / name, target / name)

    def _short(self, argv: Sequence[str]) -> bytes:
        return self.qemu.guest.start(argv, quiet=True).wait(timeout=60.0).raw

    def close(self) -> None:
        """Ends it and removes its directory."""
        self.off()
        shutil.rmtree(self.directory, ignore_errors=True)


def source_of(function: Callable[..., Any]) -> str:
    """Its text without decorators, at the left margin."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(("def ", "async def ")))
    return "\n".join(lines[first:])


@contextlib.contextmanager
def closing(machine: Machine) -> Iterator[Machine]:
    try:
        yield machine
    finally:
        machine.close()
