"""A development daemon as its clients and its parent see it: executed, killed, asked over its bus, stopped.

The bus outlives a daemon that is killed, and so do the clients' connections.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from exod import dev
from exod.dbus.wire import BUS
from exod.errors import Refusal
from exod.names import BUS_NAME, ROOT_PATH, plugin_path
from exosdk.testing.daemon import Daemon
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import PLUGIN, Client, variants

SETTLED = 60.0
ENDED = ("done", "failed", "refused", "cancelled")
_MANAGER = "org.freedesktop.DBus.ObjectManager"
_UNTRACED = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
"""What SIGKILL ends could not write its figures out."""


class House:
    """One daemon at a time in `directory`. `environment`: of the daemon, beside ours."""

    client: Client

    def __init__(self, directory: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self._present = asyncio.Event()
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def address(self) -> str:
        return f"unix:path={self.directory}/run/bus"

    def claim(self, *, trust: bytes, settings: str = "") -> None:
        """Makes DIR. `trust`: a file for trust.d; `settings`: exod.toml."""
        claimed = dev.claim(self.directory)
        assert not isinstance(claimed, Refusal), claimed.sentence
        os.close(claimed.lock)
        for name, data in {"trust.d/house.toml": trust, "exod.toml": settings.encode()}.items():
            file = self.directory / "etc" / name
            file.write_bytes(data)
            file.chmod(0o600)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def load(self, package: bytes, *, start: bool = True, enable: bool = True) -> str:
        """The job."""
        with tempfile.TemporaryFile() as file:
            file.write(package)
            file.flush()
            options = variants(start=start, enable=enable)
            [job] = await self.client.call("Load", "ha{sv}", [0, options], fds=[file.fileno()])
        return str(job)

    async def ask(self, plugin: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        return await self.client.call(member, signature, body, path=plugin_path(plugin), interface=PLUGIN)

    async def over(self, jobs: Iterable[str]) -> None:
        for job in jobs:
            while (state := await self.client.get(job, f"{BUS_NAME}.Job", "State")) not in ENDED:
                pass  # each question takes a turn of three processes, which is pause enough
            assert state == "done", (job, state, await self.client.get(job, f"{BUS_NAME}.Job", "Refusal"))

    async def objects(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """path → interface → property → value."""
        [found] = await self.client.call("GetManagedObjects", path=ROOT_PATH, interface=_MANAGER)
        return {
            path: {name: {key: cell.value for key, cell in values.items()} for name, values in faces.items()}
            for path, faces in found.items()
        }

    # --- the daemon's process -----------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Returns at once; its words go to DIR/out."""
        command = [str(Path(sys.executable).with_name("exod")), "--dev", str(self.directory)]
        environment = os.environ | _UNTRACED | self.environment
        with (self.directory / "out").open("ab") as out:
            self.began = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        loop = asyncio.get_running_loop()
        pidfd, gone = os.pidfd_open(self.process.pid), loop.create_future()

        def ended() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            gone.set_result(None)

        loop.add_reader(pidfd, ended)
        self._gone = gone

    async def present(self) -> None:
        """Waits until exod owns its name. Raises RuntimeError with its last words when it ended instead."""
        present = asyncio.ensure_future(self._present.wait())
        await asyncio.wait((self._gone, present), timeout=SETTLED, return_when=asyncio.FIRST_COMPLETED)
        if not present.done():
            present.cancel()
            said = [(self.directory / name).read_text()[-2000:] for name in ("out", "log/exod.log")]
            raise RuntimeError(f"exod {'ended' if self._gone.done() else 'does not serve'}: {said}")

    @property
    def serving(self) -> bool:
        return self._present.is_set()

    async def kill(self) -> int:
        """SIGKILL; returns when the process is gone and its name free. The status it ended with."""
        assert self.process is not None
        self.process.kill()
        return await self.died()

    async def died(self) -> int:
        status = await self.gone()
        async with asyncio.timeout(SETTLED):
            while await self.has_owner():
                pass
        self._present.clear()
        return status

    async def gone(self) -> int:
        """The status that the process ended with."""
        assert self.process is not None
        await asyncio.wait_for(asyncio.shield(self._gone), SETTLED)
        return self.process.wait()

    async def has_owner(self) -> bool:
        [owned] = await self.client.wire.bus("NameHasOwner", "s", [BUS_NAME], returns="b")
        return bool(owned)

    async def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.gone()

    async def _follow(self, client: Client) -> None:
        """Whether exod is there, by the bus."""
        while True:
            header = await client.signals.get()
            if header.member == "NameOwnerChanged":
                self._present.set() if header.body()[2] else self._present.clear()

    @contextlib.asynccontextmanager
    async def inhabited(self) -> AsyncIterator[None]:
        """Executed and with a client; taken down again whatever happens."""
        self.execute()
        try:
            async with contextlib.AsyncExitStack() as stack:
                watcher = await stack.enter_async_context(await _patient(self.address))
                await watcher.listen(f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{BUS_NAME}'")
                following = asyncio.create_task(self._follow(watcher))
                stack.push_async_callback(cancel, [following])
                self.client = await stack.enter_async_context(rigs.client(self.address))
                if not await self.has_owner():
                    await self.present()
                self._present.set()
                yield
        finally:
            await self._end()

    async def _end(self) -> None:
        """What a daemon that was killed left is ended by one more."""
        assert self.process is not None
        self.process.terminate()
        if await self.gone() != 0:
            Daemon(self.directory).start(deadline=SETTLED).stop()


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Raises what one of them died of before."""
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _patient(address: str) -> Any:
    """A client, as soon as the bus that exod starts answers."""
    path = Path(address.removeprefix("unix:path="))
    async with asyncio.timeout(SETTLED):
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(path)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.002)
            else:
                writer.close()
                return rigs.client(address)
