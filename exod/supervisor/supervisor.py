"""The supervisor's face: requests in, jobs out, views of what is. What it does is done by the modules beside it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from exod.brokers.desk import Asked, Desk
from exod.brokers.network.rules import admits
from exod.errors import Outcome, Refusal, Refused
from exod.package import options
from exod.package.options import Value
from exod.plan import resolve
from exod.plan.confine import Host
from exod.plan.steps import Step
from exod.settings import Settings
from exod.settings import changes as settings_changes
from exod.supervisor import descriptor, requests
from exod.supervisor.adoption import Adoption
from exod.supervisor.calls import Calls
from exod.supervisor.ending import end_all
from exod.supervisor.executor import Checkpoint, Executor, nowhere
from exod.supervisor.guard import Guard
from exod.supervisor.jobs import Jobs
from exod.supervisor.limits import Limits
from exod.supervisor.material import Gate
from exod.supervisor.planner import Planner
from exod.supervisor.plugin import view
from exod.supervisor.ports import Caller, Row, World
from exod.supervisor.recovery import ITSELF, Recovery
from exod.supervisor.reload import Reload
from exod.supervisor.requests import Request as Request
from exod.supervisor.requests import Verb as Verb
from exod.supervisor.roster import Roster
from exod.supervisor.tasks import Tasks
from exod.supervisor.views import InstanceView, JobView, PluginView, Views
from exod.supervisor.works import Works
from exod.trust.verify import Leave

DAY = 86400.0


class Supervisor:
    """One per daemon. Nothing here blocks; whatever cannot be done is a refusal.

    critical: set once critical plugins run, or were found not to. restored: once start's restoration is over.
    phases: the phases of restoration that are over, and when: CLOCK_MONOTONIC in microseconds, as systemd's stamps.
    calls: of plugins' services; access is checked before. desk: what instances ask of brokers.
    state: starting (until desired state is restored; requests are served already), running, degraded or stopping.
    mode: production or development.
    read_settings: what a reload asks for those of today; without it, they stay as they are.
    reexecute: how a daemon puts another in its place.
    checkpoint is told where a job is, so that a test can end the daemon exactly there.
    """

    def __init__(
        self,
        world: World,
        *,
        settings: Settings,
        read_settings: Callable[[], Settings | Refusal] | None = None,
        host: Host,
        mode: str = "production",
        gate: Gate,
        checkpoint: Checkpoint = nowhere,
        reexecute: Callable[[], None] = lambda: None,
        failed: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self.mode = mode
        self.started_at = 0
        self._phase = "starting"
        self._world = world
        self._reexecute = reexecute
        self._read_settings = read_settings
        self.audit = world.audit
        self._noted: dict[str, str] = {}
        self._roster = Roster(world, settings)
        self._jobs = Jobs(changed=world.face.job)
        self._tasks = Tasks(failed=failed)
        self._guard = Guard(self._roster, tasks=self._tasks, again=self._again)
        self._planner = Planner(self._roster, gate=gate, host=host)
        executor = Executor(world, changed=self._jobs.touch, checkpoint=checkpoint)
        self._works = Works(self._roster, self._jobs, self._planner, executor, broken=self._guard.broken)
        self._recovery = Recovery(self._roster, self._works, self._planner)
        self._adoption = Adoption(self._roster, self._planner, self._guard, tasks=self._tasks)
        self._reload = Reload(self._roster, self._planner, self._guard)
        self._limits = Limits(self._roster, self._guard)
        self.calls = Calls(self._roster)
        asked = Asked(self.config, self._write, self._roster.ledger.note, self._tasks.spawn, world.clock)
        self.desk = self._roster.desk = Desk(asked, resolver_uid=settings.resolver_uid)
        self.restored = asyncio.Event()
        self.critical = asyncio.Event()
        self.phases: dict[str, int] = {}
        self.plugins: Mapping[str, PluginView] = Views(
            lambda: self._roster.plugins, lambda name: view(self._roster.plugins[name])
        )
        self.instances: Mapping[int, InstanceView] = Views(lambda: self._roster.instances, self._instance_view)
        self.jobs: Mapping[int, JobView] = Views(self._jobs.all, self._jobs.view)

    # --- its own life

    async def start(self) -> None:
        """Takes the lease and what lives, settles unfinished jobs; restores desired state in the background."""
        self.started_at = int(self._world.clock.time())
        snapshot = await self._world.registry.load()
        trust = await self._world.trust_file.load(generation=snapshot.generation)
        self._roster.adopt(snapshot, trust=trust)
        self._jobs.adopt(snapshot)
        await self._reload.read()
        survivors = await self._world.sandbox.attach(on_exit=self._guard.exited, on_lost=self._lost)
        unfinished = self._recovery.unfinished(snapshot.jobs)
        await self._adoption.run(survivors, snapshot.instances, unfinished=unfinished)
        await self._recovery.settle(unfinished)
        self._roster.ledger.note("daemon", what="start")
        self._tasks.spawn(self._restore(), name="restore")
        self._tasks.spawn(self._daily(), name="daily")
        self._tasks.spawn(self._limits.watch(), name="limits")
        self._world.face.daemon()

    async def stop(self, *, ending: bool = True) -> None:
        """Ends every task, and every instance unless the next exod is to take them over; desired state is left as it
        is. What a job left is settled next time.
        """
        self._phase = "stopping"
        self._world.face.daemon()
        await self._tasks.close()
        await self.desk.close()
        if ending:
            await end_all(self._roster, deadline=self._roster.settings.stop_seconds)
        for instance in self._roster.instances.values():
            instance.hang_up()
        self._roster.ledger.note("daemon", what="stop" if ending else "hand-over")
        await self._world.audit.flush()
        await self._world.sandbox.close(ending=ending)

    @property
    def state(self) -> str:
        return "degraded" if self._phase == "running" and self.degraded else self._phase

    @property
    def degraded(self) -> Mapping[str, str]:
        """What this host or its configuration lacks, and what that costs."""
        return {**self._noted, **self._reload.degraded()}

    @property
    def zygotes(self) -> Sequence[tuple[str, str, str, int, int]]:
        """What instances are forked from: signer, level, what for, pid, bytes."""
        return self._world.sandbox.zygotes()

    def note_degraded(self, name: str, cost: str) -> None:
        """What another room of the daemon found lacking; an empty cost takes it back."""
        self._noted.pop(name, None)
        if cost:
            self._noted[name] = cost
        self._world.face.daemon()

    # --- requests

    def submit(self, request: Request) -> int:
        """The id of the queued job. Raises Refused when the request is malformed or names no plugin."""
        with self._audited(request.caller, f"{request.verb} {request.plugin}"):
            if refusal := requests.check(request):
                raise Refused(refusal)
            if request.package is None:
                self._roster.find(request.plugin, verb=request.verb)
        job = self._works.open(request)
        self._tasks.spawn(self._works.work(job), name=f"job {job.id}")
        return job.id

    async def plan(self, request: Request) -> list[Step]:
        """The steps that `request` would run now, those of dependencies first; nothing is changed. Raises Refused."""
        with self._audited(request.caller, f"plan {request.verb} {request.plugin}"):
            if refusal := requests.check(request):
                raise Refused(refusal)
            return await self._dry(request)

    async def validate(self, data: bytes, caller: Caller) -> Mapping[str, Any]:
        """The full security context of a package: accepted, signer, level, …, or its refusal; nothing is changed."""
        try:
            name, package = self._planner.identify(Request(Verb.INSTALL, ITSELF, package=data))
            known = self._roster.plugins.get(name)
            installed = await self._planner.followed(known, consent=False)
            judged = self._planner.judge(data, package, Leave(installed=installed))
            judged = await self._planner.look(judged, known, verb=Verb.INSTALL)
            self._planner.confine(judged, values={})
        except Refused as refused:
            self.audited(refused.refusal, caller=caller, subject="validate")
            return {"accepted": False, "refusal": refused.refusal.fields()}
        return descriptor.accepted(judged, owner=self._roster.owner(name))

    def cancel(self, job: int, caller: Caller) -> Refusal | None:
        """Undoes a job; refused when it is over or past its point of no return. Authority is the caller's matter."""
        found = self._jobs.live.get(job)
        if found is None and job not in self._jobs.past:
            refusal = requests.no_job(job)
        elif found is None:
            refusal = requests.not_cancellable(job, "it is over")
        elif found.plan.passed or found.state == "undoing":
            refusal = requests.not_cancellable(job, "it is past its point of no return")
        else:
            found.cancel()
            return None
        self.audited(refusal, caller=caller, subject=f"cancel job {job}")
        return refusal

    async def finished(self, job: int) -> JobView:
        """Waits until the job is over."""
        found = self._jobs.live.get(job)
        if found is not None:
            await found.over.wait()
        return self._jobs.view(job)

    # --- what is

    def info(self, plugin: str) -> Mapping[str, Any]:
        """US-004's twelve fields. Raises Refused."""
        return descriptor.describe(self._roster.find(plugin, verb="describe"))

    def config(self, plugin: str) -> Mapping[str, Value]:
        """The complete configuration in force. Raises Refused."""
        found = self._roster.find(plugin, verb="read the configuration of")
        if found.instance is not None:
            return found.instance.confinement.config
        if found.manifest is None:
            return found.record.config
        values = options.check(found.manifest.config, found.record.config)
        return found.record.config if isinstance(values, Refusal) else values

    def logs(self, plugin: str, lines: int) -> Sequence[str]:
        """The newest lines it wrote. Raises Refused."""
        self._roster.find(plugin, verb="read the logs of")
        return self._world.sandbox.logs(plugin, lines)

    def check_capability(self, plugin: str, capability: str) -> tuple[bool, str]:
        """Whether the plugin has the capability (`filesystem`, `filesystem:read-only:/proc/stat`), and why."""
        found = self._roster.find(plugin, verb="check")
        name, _, entry = capability.partition(":")
        if found.instance is None:
            return False, f"{plugin} is not loaded"
        held = found.instance.confinement.permissions.get(name, ())
        if not held or (entry and not any(one == entry or admits(one, entry) for one in held)):
            asked = found.manifest.permissions.asked().get(name, ()) if found.manifest is not None else ()
            asks = entry in asked if entry else asked
            return False, f"{plugin} {'was not granted' if asks else 'does not ask for'} {capability}"
        return True, f"granted: {', '.join(held)}"

    def check_dependencies(self, plugin: str) -> list[tuple[str, str, str, str]]:
        """(name, range, status, version found); status is satisfied, missing, conflict or optional."""
        found = self._roster.find(plugin, verb="check")
        needed = found.manifest.dependencies if found.manifest is not None else ()
        return resolve.check(needed, offer=self._planner.offer())

    def list_usage(self) -> Sequence[Row]:
        """What each living instance uses, all of them at once."""
        return list(self._world.resources.rows(self._limits.living()))

    def list_trust(self) -> list[Mapping[str, str]]:
        """The anchors in force, as strings."""
        return self._planner.list_trust()

    # --- trust

    async def reload(self) -> list[str]:
        """Reads settings and trust anew, judges every instance again; the sentences say what changed."""
        changes = self._change_settings(await asyncio.to_thread(self._read_settings)) if self._read_settings else []
        changes += await self._reload.run()
        self._world.face.daemon()
        return changes

    def _change_settings(self, chosen: Settings | Refusal) -> list[str]:
        """Bad ones change nothing, and are seen in `degraded` until they are repaired."""
        if isinstance(chosen, Refusal):
            self.note_degraded("settings", f"those of before stay in force: {chosen.sentence}")
            return [chosen.sentence]
        self.note_degraded("settings", "")
        before, self._roster.settings = self._roster.settings, chosen
        return list(settings_changes(before, chosen))

    async def reexecute(self, part: str) -> None:
        """Puts the installed program in the place of the one that runs: of `exod` soon, of the `keeper` now. Raises
        Refused for a keeper that a service manager started: it knows how.
        """
        if part not in ("exod", "keeper"):
            sentence = f"cannot re-execute {part}: there is exod, and there is the keeper"
            raise Refused(Refusal("unknown-part", sentence, outcome=Outcome.USAGE))
        self._roster.ledger.note("daemon", what="re-execute", part=part)
        if part == "exod":
            self._reexecute()
        else:
            await self._world.sandbox.renew_keeper()

    async def recover_trust(self, caller: Caller) -> None:
        """Accepts the loss of the trust state: installed signers become owners anew. Raises Refused if none is lost."""
        with self._audited(caller, "recover trust"):
            await self._reload.recover(caller)
        self._world.face.daemon()

    def audited(self, refusal: Refusal | None, caller: Caller, subject: str) -> None:
        """A refusal on its way out; None for a call that was let in, and may change something."""
        self._roster.ledger.answered(refusal, caller=caller, subject=subject)

    def repairing(self, check: str, what: str, *, by: Caller) -> None:
        """Audits what an administrator is about to change on the host."""
        self._roster.ledger.note("daemon", what="repair", check=check, steps=what, caller=by.name)

    # --- inside

    @contextmanager
    def _audited(self, caller: Caller, subject: str) -> Iterator[None]:
        """Refusals on their way out."""
        try:
            yield
        except Refused as refused:
            self.audited(refused.refusal, caller=caller, subject=subject.strip())
            raise

    async def _dry(self, request: Request) -> list[Step]:
        name, package = self._planner.identify(request)
        prepared = await self._planner.prepare(request, name, package, instance=0)
        first: list[Step] = []
        for needed, version in prepared.missing:
            options_: requests.Options = {"start": request.flag("start"), "version": version}
            first += await self._dry(Request(Verb.LOAD, request.caller, needed, options=options_))
        return [*first, *prepared.plan.steps]

    async def _write(self, plugin: str, values: Mapping[str, Value], by: str) -> None:
        """For a plugin, which no bus vouches for. Raises Refused."""
        view = await self._works.run(Request(Verb.CONFIGURE, Caller(by, -1), plugin, options={"values": values}))
        if view.state != "done":
            raise Refused(Refusal.from_fields(view.refusal))

    def _again(self, plugin: str) -> None:
        job = self._works.open(Request(Verb.RESTART, ITSELF, plugin))
        self._tasks.spawn(self._works.work(job), name=f"job {job.id}")

    async def _restore(self) -> None:
        try:
            await self._recovery.learn()
            await self._recovery.restore(reached=self._reached)
        finally:
            self.critical.set()
            self.restored.set()
            if self._phase == "starting":
                self._phase = "running"
                self._world.face.daemon()

    def _reached(self, phase: str) -> None:
        self.phases[phase] = int(self._world.clock.monotonic() * 1e6)
        self.critical.set()
        self._roster.ledger.note("daemon", what="restored", phase=phase)
        self._world.face.daemon()

    async def _daily(self) -> None:
        """What only time brings about: signers expire, old jobs are forgotten."""
        while True:
            before = self._world.clock.time() - self._roster.settings.job_days * DAY
            self._jobs.prune(before=before)
            await self._reload.housekeep(before=before)
            await self._world.clock.sleep(DAY / 24)

    def _lost(self) -> None:
        """The keeper died: so did every instance. A new keeper is waited for, then desired state is restored."""
        for instance in tuple(self._roster.instances.values()):
            self._guard.lost(instance)
        self._tasks.spawn(self._take_again(), name="take the lease again")

    async def _take_again(self) -> None:
        self._roster.ledger.note("daemon", what="keeper-lost")
        survivors = await self._recovery.attach(on_exit=self._guard.exited, on_lost=self._lost)
        await self._recovery.buried()
        await self._adoption.run(survivors)
        await self._recovery.restore()

    def _instance_view(self, number: int) -> InstanceView:
        instance = self._roster.instances[number]
        record = instance.record
        return InstanceView(
            id=record.id,
            plugin=record.plugin,
            version=record.version,
            process_id=record.pid,
            user_id=record.uid,
            digest=record.digest,
            started_at=int(record.born),
            walls=dict(instance.walls),
            limits=instance.confinement.limits,
            restarts=self._roster.plugins[record.plugin].restarts,
            usage=lambda: self._world.resources.usage(self._limits.subject(instance)),
            pressure=lambda: self._world.resources.pressure(record.id),
        )
