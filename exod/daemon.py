"""The daemon's life: Layout → every room built, wired, announced, and taken down in reverse. Decides nothing itself."""

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from exod import logs
from exod.brokers.doctor.asking import Doctor
from exod.brokers.files.domain import domain
from exod.brokers.files.steps import open_paths
from exod.brokers.lint.verdict import Lint
from exod.brokers.logs.files import Logs
from exod.brokers.network.own.steps import Wires
from exod.brokers.resources.kernel import Kernel
from exod.brokers.resources.monitor import Monitor
from exod.configuration import read_settings
from exod.dbus import Bus, BusFace, CallFailed, NameTaken
from exod.errors import Outcome, Refusal, Refused
from exod.layout import ENDING, SDK, Layout
from exod.names import BUS_NAME
from exod.plan.confine import Host
from exod.sandbox.host import Host as Sandbox
from exod.sandbox.host import Places
from exod.settings import Settings
from exod.state.intake import Intake
from exod.state.store import Store
from exod.supervisor.channel import Channel
from exod.supervisor.ports import World
from exod.supervisor.supervisor import Supervisor
from exod.supervisor.tasks import Tasks
from exod.trust import keys
from exod.trusting import EtcTrust, PackageGate

_log = logging.getLogger("exod")
_CRITICAL_WAIT = 60.0
"""Seconds that critical plugins may take before exod is ready without them."""
_BUS_WAIT = 5.0
"""Seconds for the bus to come up beside us; under systemd it is there already."""


class RealClock:
    """Implements the supervisor's Clock."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Daemon:
    """One run from start to SIGTERM. `again`: whether its end is to be the beginning of another in this process."""

    def __init__(self, layout: Layout, *, verbose: bool) -> None:
        self.layout = layout
        self.again = False
        self._verbose = verbose
        self._ending = False
        self._stopping = asyncio.Event()
        self._serving = asyncio.Event()
        self._broken: BaseException | None = None
        self._supervisor: Supervisor | None = None

    async def run(self) -> Refusal | None:
        """Serves until told to stop; a refusal says why it could not start or had to end."""
        chosen = read_settings(self.layout)
        if isinstance(chosen, Refusal):
            return chosen
        try:
            _make_directories(self.layout)
            logs.begin(self.layout.log, size=chosen.log_bytes, verbose=self._verbose)
            self._listen()
            async with AsyncExitStack() as rooms:
                bus = await self._open(rooms, chosen)
                await self._stopping.wait()
                self._ending = await self._ends(bus)
                _notify("RELOADING=1" if self.again else "STOPPING=1")
                _log.info("stopping" if self._ending else "handing over")
        except Refused as refused:
            _log.error(refused.refusal.sentence)
            return refused.refusal
        except OSError as error:
            _log.exception("ended by the host")
            return Refusal("host-error", f"cannot run exod: {error}", "ls -ld / /etc /var/lib", outcome=Outcome.FAILED)
        if self._broken is not None:
            return Refusal("internal", f"internal error: {self._broken!r}", outcome=Outcome.FAILED)
        return None

    async def _ends(self, bus: Bus) -> bool:
        """Whether instances end with us. Who starts again, fails, or is told nothing else leaves them to the next."""
        if self.again or self._broken is not None:
            return False
        return self.layout.development or await bus.stops_for_good()

    async def _stop(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.stop(ending=self._ending)

    async def _open(self, rooms: AsyncExitStack, chosen: Settings) -> Bus:
        """Opens the rooms from the disk up; the name on the bus comes last, when everything behind it answers."""
        layout = self.layout
        opened = Store.open(layout.state, data_uid=chosen.data_uid, on_degraded=self._audit_degraded)
        store = await rooms.enter_async_context(opened)
        face = BusFace()
        kernel = Kernel(layout.state)
        lint = Lint(uid=chosen.lint_uid)
        rooms.push_async_callback(lint.close)
        world = _world(layout, chosen, kernel=kernel, store=store, face=face, lint=lint)
        supervisor = self._supervisor = self._supervise(world, chosen)
        doctor, read = Doctor(layout, note=supervisor.note_degraded), Intake().read_package
        bus = Bus(layout.bus, supervisor=supervisor, face=face, read_package=read, doctor=doctor.examine)
        rooms.push_async_callback(bus.close)
        rooms.push_async_callback(self._stop)
        await supervisor.start()  # before the bus, so that it shows past jobs and plugins from its first moment
        await _connect(bus)
        development = {"dev": "development keys and packages are trusted here"} if layout.development else {}
        for name, cost in (development | kernel.lacks).items():
            supervisor.note_degraded(name, cost)
        await _own_name(bus)
        await _critical(supervisor)
        self._ready(rooms, supervisor)
        rooms.callback(doctor.begin().cancel)
        return bus

    def _supervise(self, world: World, chosen: Settings) -> Supervisor:
        development = self.layout.development
        return Supervisor(
            world,
            settings=chosen,
            read_settings=lambda: read_settings(self.layout),
            host=Host(arch=os.uname().machine, kernel=os.uname().release),
            mode="development" if development else "production",
            gate=PackageGate(development=development),
            checkpoint=_checkpoints(self.layout),
            reexecute=self._reexecute,
            failed=self._failed,
        )

    def _ready(self, rooms: AsyncExitStack, supervisor: Supervisor) -> None:
        _notify("READY=1\nSTATUS=serving")
        if interval := int(os.environ.get("WATCHDOG_USEC", "0")) / 2e6:
            rooms.callback(asyncio.create_task(_watchdog(interval)).cancel)
        if self.layout.development:
            root = self.layout.run.parent
            sys.stdout.write(f"export EXOD_BUS_ADDRESS={self.layout.bus} EXOD_DEV_DIR={root}\n")
            sys.stdout.flush()
        _log.info("ready")
        self._serving.set()
        if self.layout.development or supervisor.list_trust():
            # Whoever trusts nobody loads nothing, and is spared the 7 MB.
            rooms.callback(asyncio.create_task(asyncio.to_thread(keys.warm)).cancel)

    def _listen(self) -> None:
        """Before anything is opened: what asks us to end while we start finds an orderly end as well."""
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self._stopping.set)
        reloads = Tasks(failed=self._failed)
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.spawn(self._reload(), name="reload"))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    async def _reload(self) -> None:
        """SIGHUP: trust and settings are read again; what needs a restart is said."""
        await self._serving.wait()
        assert self._supervisor is not None
        try:
            for change in await self._supervisor.reload():
                _log.info("reload: %s", change)
        except (Refused, OSError) as error:
            _log.error("reload: %s", error)
        _log.info("reloaded")

    def _reexecute(self) -> None:
        self.again = True
        self._stopping.set()

    def _failed(self, error: BaseException) -> None:
        """A task of ours died of something nobody foresaw: go down loudly, be restarted, undo and restore."""
        _log.critical("internal error", exc_info=error)
        self._broken = error
        self._stopping.set()

    def _audit_degraded(self, reason: str) -> None:
        if reason:
            _log.error("audit: %s", reason)
        if self._supervisor is not None:
            self._supervisor.note_degraded("audit", reason)


def _world(layout: Layout, chosen: Settings, *, kernel: Kernel, store: Store, face: BusFace, lint: Lint) -> World:
    sandbox = _sandbox(layout, chosen, kernel)
    return World(
        clock=RealClock(),
        chance=random.SystemRandom(),
        registry=store.registry,
        packages=store.packages,
        trust_file=store.trust_file,
        trust_source=EtcTrust(layout.config, development=layout.development),
        data=store.data,
        audit=store.audit,
        sandbox=sandbox,
        resources=Monitor(kernel, group=sandbox.group, data=layout.state / "data"),
        open_channel=Channel,
        face=face,
        lint=lint,
    )


def _sandbox(layout: Layout, chosen: Settings, kernel: Kernel) -> Sandbox:
    own = [str(place) for place in (layout.config, layout.state, layout.run, layout.log)]
    places = Places(
        run=layout.run,
        logs=Logs(layout.log, limit=chosen.log_bytes),
        data=layout.state / "data",
        sdk=SDK,
        grants=partial(open_paths, forbidden=own),
        domain=domain,
        wires=Wires(chosen),
        development=layout.run.parent if layout.development else None,
    )
    return Sandbox(places, chosen, kernel)


def _make_directories(layout: Layout) -> None:
    for place in (layout.config, layout.state, layout.run, layout.log):
        place.mkdir(mode=0o700 if place != layout.run else 0o711, parents=True, exist_ok=True)


async def _connect(bus: Bus) -> None:
    """Connects as soon as the bus answers; a private one was started a moment ago."""
    until = time.monotonic() + _BUS_WAIT
    while True:
        try:
            return await bus.connect()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if time.monotonic() > until:
                reason = Refusal("bus-unreachable", f"cannot connect to the bus: {error}", outcome=Outcome.UNREACHABLE)
                raise Refused(reason) from error
            await asyncio.sleep(0.002)


async def _own_name(bus: Bus) -> None:
    try:
        await bus.own_name()
    except NameTaken as error:
        sentence = f"cannot start exod: another process owns {BUS_NAME} on the bus"
        raise Refused(Refusal("already-running", sentence, "systemctl status exod", outcome=Outcome.FAILED)) from error
    except CallFailed as error:
        sentence, hint = f"cannot own {BUS_NAME} on the bus: {error}", "install etc/dbus/org.exoos.Exod1.conf"
        raise Refused(Refusal("bus-refused", sentence, hint, outcome=Outcome.FAILED)) from error


async def _critical(supervisor: Supervisor) -> None:
    """One that hangs keeps nobody from a host that is ready."""
    try:
        async with asyncio.timeout(_CRITICAL_WAIT):
            await supervisor.critical.wait()
    except TimeoutError:
        _log.warning("ready without all critical plugins")


async def _watchdog(interval: float) -> None:
    """A loop that is blocked cannot say that it is alive, and systemd restarts it."""
    while True:
        _notify("WATCHDOG=1")
        await asyncio.sleep(interval)


def _notify(state: str) -> None:
    if "NOTIFY_SOCKET" in os.environ:
        from systemd import daemon  # only under systemd: it costs start-up time and memory

        daemon.notify(state)


def _checkpoints(layout: Layout) -> Callable[[str], None]:
    """For tests of a development daemon: tells DIR/trace each point a job passes, and dies at the one in DIR/kill."""
    directory = os.environ.get("EXOD_CHECKPOINTS")
    if directory is None or not layout.development:
        return lambda _: None
    trace, kill = Path(directory) / "trace", Path(directory) / "kill"

    def passed(point: str) -> None:
        with trace.open("a") as file:
            file.write(point + "\n")
        if kill.exists() and kill.read_text().strip() == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return passed
