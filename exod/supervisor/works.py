"""Jobs at work: each waits for its plugin's turn, is planned, and is run; every end is recorded and audited once."""

from dataclasses import replace
from functools import partial

from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.ears import Broken
from exod.supervisor.executor import Executor, cancelled, ending, explain
from exod.supervisor.handlers import Hands
from exod.supervisor.jobs import Job, Jobs
from exod.supervisor.lifecycle import State
from exod.supervisor.material import Prepared
from exod.supervisor.planner import Planner
from exod.supervisor.requests import Request, Verb
from exod.supervisor.roster import Roster
from exod.supervisor.views import JobView
from exod.trust.scope import spelt

_STARTING = (Verb.LOAD, Verb.RESTORE, Verb.RESTART)


class Works:
    def __init__(self, roster: Roster, jobs: Jobs, planner: Planner, executor: Executor, *, broken: Broken) -> None:
        self._roster = roster
        self._jobs = jobs
        self._planner = planner
        self._executor = executor
        self._broken = broken
        self._stuck: dict[str, Job] = {}
        self._awaited: dict[str, str] = {}

    def open(self, request: Request) -> Job:
        return self._jobs.open(request, now=self._roster.world.clock.time())

    async def run(self, request: Request) -> JobView:
        """A job of the supervisor's own, to its end."""
        job = self.open(request)
        await self.work(job)
        return self._jobs.view(job.id)

    async def work(self, job: Job) -> None:
        """From queued to over. Raises nothing: whatever happens is the job's result."""
        try:
            name, package = self._planner.identify(job.request)
            job.plugin = name
            self._jobs.touch(job)
            async with self._roster.lock(name):
                await self._turn(job, package)
        except Exception as error:  # a package that no parser foresaw ends its own job, and nothing else
            await self._refuse(job, error)
        self._close(job)

    async def _turn(self, job: Job, package: object) -> None:
        try:
            await self._in_turn(job, package)
        except Exception as error:  # also what nobody foresaw ends as a refusal of this job alone
            await self._refuse(job, error)
        if job.request.verb in (Verb.RESTORE, Verb.RESTART) and job.state != "done":
            self._fault(job)

    async def _refuse(self, job: Job, error: Exception) -> None:
        job.refusal = cancelled(job) if job.cancelled else explain(job, error)
        job.state = ending(job)
        await self._executor.last_word(job)

    async def settle(self, job: Job) -> bool:
        """What an earlier run left half done; recorded as the end of the job that did it."""
        clean = await self._executor.settle(job, Hands(self._roster, broken=self._broken, settling=True))
        if not clean:
            self._stuck[job.plugin] = job
            self._fault(job)
            return False
        self._stuck.pop(job.plugin, None)
        self._jobs.keep(job)
        if not job.told:
            self._audit(job)
        return True

    async def _in_turn(self, job: Job, package: object) -> None:
        await self._settle_before(job)
        if job.cancelled:
            raise Refused(cancelled(job))
        # Taken before anything waits: jobs of other plugins are being planned too, and two must not get the same id.
        instance = self._roster.next_instance() if job.request.verb in _STARTING else 0
        prepare = partial(self._planner.prepare, job.request, job.plugin, package, instance=instance)
        prepared = await prepare()
        if prepared.missing:
            await self._load_first(job, prepared)
            prepared = await prepare()
        self._verdict(prepared)
        job.plan, job.result = prepared.plan, dict(prepared.result)
        if not job.plan.steps:
            job.state = "done"
            await self._executor.last_word(job)
            return
        if not await self._executor.run(job, Hands(self._roster, prepared, broken=self._broken)):
            self._leave(job)

    async def _load_first(self, job: Job, prepared: Prepared) -> None:
        """Each dependency by a job of its own, which stays done whatever becomes of this one."""
        for name, version in prepared.missing:
            start = job.request.flag("start", default=job.request.verb is not Verb.LOAD)
            request = Request(Verb.LOAD, job.caller, name, options={"start": start, "version": version})
            self._enter(job, name)
            try:
                view = await self.run(request)
            finally:
                del self._awaited[job.plugin]
            if view.state != "done":
                reason = view.refusal.get("sentence", "").removeprefix(f"cannot load {name}").removeprefix(": ")
                sentence = f"cannot {job.kind} {job.plugin}: it needs {name}, which does not load: {reason}"
                raise Refused(
                    Refusal("dependency-failed", sentence, f"exoctl plugin info {name}", {"dependency": name})
                )

    def _enter(self, job: Job, dependency: str) -> None:
        """Both hold their own turn while they wait: two that need each other would wait for ever. Raises Refused."""
        waiting = dependency
        while waiting in self._awaited:
            waiting = self._awaited[waiting]
        if waiting == job.plugin:
            sentence = f"cannot {job.kind} {job.plugin}: it needs {dependency}, which is being loaded and needs it"
            raise Refused(Refusal("dependency-cycle", sentence, "try again later", {"dependency": dependency}))
        self._awaited[job.plugin] = dependency

    async def _settle_before(self, job: Job) -> None:
        stuck = self._stuck.get(job.plugin)
        if stuck is not None and not await self.settle(stuck):
            sentence = f"cannot {job.kind} {job.plugin}: what job {stuck.id} left cannot be cleared"
            raise Refused(Refusal("unfinished-job", sentence, f"exoctl job watch {stuck.id}", outcome=Outcome.FAILED))

    def _leave(self, job: Job) -> None:
        """Not cleanly ended: a copy that the journal still calls running is kept, to be settled first next time."""
        self._stuck[job.plugin] = replace(job, state="running", told=True)
        job.state = "failed"
        job.finished = self._roster.world.clock.time()
        job.refusal = job.refusal or cancelled(job)
        self._fault(job)

    def _fault(self, job: Job) -> None:
        plugin = self._roster.plugins.get(job.plugin)
        if plugin is None or job.refusal is None or plugin.alive:
            return
        if plugin.state is not State.UNLOADED or job.request.verb in (Verb.RESTORE, Verb.RESTART):
            self._roster.fail(plugin, job.refusal)

    def _verdict(self, prepared: Prepared) -> None:
        if prepared.material is not None:
            judged, grants = prepared.material.judged, spelt(prepared.material.confinement.permissions)
            who = {"plugin": judged.manifest.name, "version": judged.manifest.version, "anchor": judged.anchor}
            said = {name: getattr(judged.verdict, name) for name in ("digest", "signer", "level")}
            self._roster.ledger.note("verdict", **who, **said, reasons="; ".join(judged.reasons), grants=grants)

    def _close(self, job: Job) -> None:
        self._audit(job)
        self._jobs.close(job)

    def _audit(self, job: Job) -> None:
        ledger, caller = self._roster.ledger, job.caller
        job.told = True
        if job.state == "done" or job.refusal is None:
            who = {"caller": caller.name, "uid": caller.uid}
            ledger.note("job", job=job.id, kind=job.kind, plugin=job.plugin, **who, state=job.state)
            return
        subject = f"{job.kind} {job.plugin}".strip()
        ledger.answered(job.refusal, caller=caller, subject=subject, job=job.id, state=job.state)
