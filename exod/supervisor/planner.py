"""Request → what a job needs: fetch the world, judge the package, then plan in pure code. Nothing is changed here.

A dry run and a job take the same way through this module, so what is printed is what would run.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from exod.brokers.config.rules import check as check_settings
from exod.brokers.files.rules import check as check_files
from exod.brokers.network.rules import check as check_network
from exod.errors import Outcome, Refusal, Refused
from exod.package import options
from exod.package.manifest import Manifest
from exod.package.options import Value
from exod.package.versions import in_order
from exod.plan import verbs
from exod.plan.confine import Confinement, Host, confine
from exod.plan.policy import DIRECTORY, Policy
from exod.plan.resolve import Offer, resolve
from exod.plan.steps import Plan, StepKind
from exod.plan.verbs import Candidate, Present
from exod.supervisor import lifecycle
from exod.supervisor.material import Gate, Judged, Material, Prepared, Today
from exod.supervisor.plugin import Plugin
from exod.supervisor.ports import PluginRecord, VersionRecord
from exod.supervisor.requests import Request, Verb
from exod.supervisor.roster import Roster
from exod.supervisor.rows import dump_values, plugin_text, version_text
from exod.trust.gather import LOCAL
from exod.trust.verify import Leave

T = TypeVar("T")
RULES = (check_files, check_settings, check_network)
"""What brokers refuse of a Confinement, in the order of asking."""


class Planner:
    def __init__(self, roster: Roster, *, gate: Gate, host: Host) -> None:
        self._roster = roster
        self._gate = gate
        self._host = host

    def identify(self, request: Request) -> tuple[str, Any]:
        """The plugin's name, and the parsed package if the request brings one. Raises Refused."""
        if request.package is None:
            return request.plugin, None
        package = _demand(self._gate.parse(request.package))
        return self._gate.manifest(package).name, package

    async def prepare(self, request: Request, plugin: str, package: Any, *, instance: int) -> Prepared:
        """Raises Refused; `instance` is the id of a new instance; a dry run has none to give."""
        roster = self._roster
        known = roster.find(plugin, verb=request.verb) if package is None else roster.plugins.get(plugin)
        if known is not None and (refusal := lifecycle.check(request.verb, plugin, state=known.state)) is not None:
            raise Refused(refusal)
        if request.verb in (Verb.RESTORE, Verb.RESTART) and known is not None and known.record.desired == "unloaded":
            return Prepared(Plan(()), result={"plugin": plugin})  # somebody unloaded it while this waited its turn
        if request.verb in (Verb.LOAD, Verb.INSTALL, Verb.RESTORE, Verb.RESTART):
            return await self._incoming(request, plugin, known, package, instance)
        assert known is not None
        if request.verb is Verb.CONFIGURE and known.manifest is None:
            self._roster.learn(await self.read_manifest(known, known.record.version))
        return self._change(request, known)

    async def read_manifest(self, plugin: Plugin, version: str) -> Manifest:
        """What a stored package says of itself, unverified: for lists, never to run it. Raises Refused."""
        return self._gate.manifest((await self._stored(plugin, version))[1])

    async def _stored(self, plugin: Plugin, version: str) -> tuple[bytes, Any]:
        data = await self._roster.world.packages.get(plugin.name, version)
        if data is None:
            raise Refused(_gone(plugin.name, version))
        return data, _demand(self._gate.parse(data))

    async def followed(self, known: Plugin | None, *, consent: bool) -> Manifest | None:
        """The manifest that a newer package is measured by; None only where there is nothing. Raises Refused."""
        if known is None:
            return None
        version = known.record.version
        try:
            return known.manifests.get(version) or await self.read_manifest(known, version)
        except Refused as refused:
            if consent:
                return None
            sentence = f"cannot load {known.name}: what it would follow, {version}, cannot be read"
            evidence = {"reason": refused.refusal.sentence}
            raise Refused(Refusal("installed-unreadable", sentence, "load it with --consent", evidence)) from refused

    async def judge_stored(self, plugin: Plugin, version: str) -> Judged:
        """The bytes in the store, verified against today's trust. Raises Refused."""
        data, package = await self._stored(plugin, version)
        judged = self.judge(data, package, Leave(downgrade=True))
        row = plugin.versions.get(version)
        if row is None:  # removed, or its load undone, while the bytes were read
            raise Refused(_gone(plugin.name, version))
        if judged.verdict.digest != row.digest:
            sentence = f"cannot load {plugin.name} {version}: the store holds other bytes than were installed"
            raise Refused(Refusal("package-changed", sentence, evidence={"sha256": judged.verdict.digest}))
        return judged

    def judge(self, data: bytes, package: Any, leave: Leave) -> Judged:
        """Raises Refused."""
        roster, state = self._roster, _demand(self._roster.trust)
        now = max(int(roster.world.clock.time()), state.clock)
        today = Today(roster.inputs, state, now, strict=roster.settings.revocation_required)
        return _demand(self._gate.judge(data, package, today=today, leave=leave))

    def _readable(self, plugin: str, *files: str) -> None:
        """Raises Refused for one that could not be read: it may have taken something away."""
        unread = self._roster.inputs.unread
        for problem in (unread[file] for file in files if file in unread):
            thing = problem.sentence.split(" ", 2)[2]
            hint = "repair it, then: exoctl daemon reload"
            raise Refused(Refusal(problem.code, f"cannot start {plugin}: {thing}", hint, problem.evidence))

    def list_trust(self) -> list[Mapping[str, str]]:
        return self._gate.anchors(self._roster.inputs)

    def policy(self, plugin: str) -> Policy:
        return self._roster.inputs.policies.get(plugin, Policy())

    def offer(self, manifest: Manifest | None = None) -> Offer:
        """Everything installed that could be read, and `manifest` instead of what its name and version stood for."""
        plugins = self._roster.plugins.values()
        versions = {
            one.name: {version: found.dependencies for version, found in one.manifests.items()} for one in plugins
        }
        if manifest is not None:
            versions[manifest.name] = {manifest.version: manifest.dependencies}
        others = [one for one in plugins if manifest is None or one.name != manifest.name]
        return Offer(
            versions,
            preferred={one.name: one.record.version for one in others},
            loaded={one.name: one.instance.version for one in others if one.alive and one.instance is not None},
        )

    def confine(self, judged: Judged, *, values: Mapping[str, Value]) -> Confinement:
        """Raises Refused."""
        manifest = judged.manifest
        self._readable(manifest.name, manifest.name, DIRECTORY)
        config = _demand(options.check(manifest.config, values))
        policy = self.policy(manifest.name)
        found = _demand(confine(manifest, verdict=judged.verdict, policy=policy, config=config, host=self._host))
        for rule in RULES:
            if refusal := rule(found):
                raise Refused(refusal)
        return found

    async def _incoming(
        self, request: Request, name: str, known: Plugin | None, package: Any, instance: int
    ) -> Prepared:
        judged = await self.look(await self._judge_incoming(request, known, package), known, verb=request.verb)
        present = self._present(name, known)
        values = _carried(judged.manifest, known)
        material = Material(judged, self.confine(judged, values=values))
        version = judged.manifest.version
        row = PluginRecord(
            name,
            version,
            enabled=request.flag("enable", default=known.record.enabled if known else True),
            desired=known.record.desired if known else "unloaded",
            config=values,
        )
        plan = self._install(present, known, judged, row)
        result = {"plugin": name, "version": version, "lint": judged.lint}
        if request.verb is Verb.INSTALL:
            return Prepared(verbs.tidy(plan), material, result=result)
        order = _demand(resolve(name, version, offer=self.offer(judged.manifest)))
        goal = row.desired
        if request.verb is Verb.LOAD:
            goal = "running" if request.flag("start") else "loaded"
        up = verbs.bring_up(name, version=version, digest=judged.verdict.digest, instance=instance, goal=goal)
        plan = verbs.joined(plan, up)
        if request.verb is Verb.LOAD:
            fresh = plugin_text(row) if plan.steps[0].kind != up.steps[0].kind else ""
            plan = verbs.joined(plan, verbs.desire(present, goal, enabled=row.enabled, fresh=fresh))
        missing = tuple((needed, at) for needed, at in order[:-1] if not self._roster.plugins[needed].alive)
        result |= {"instance": str(instance), "state": goal}
        return Prepared(verbs.tidy(plan), material, missing=missing, result=result)

    async def look(self, judged: Judged, known: Plugin | None, *, verb: Verb) -> Judged:
        """With what the lint finds in it. What was accepted once is restored without another look. Raises Refused, also
        while nobody knows what this host has revoked: what runs goes on then, and nothing else."""
        self._readable(judged.manifest.name, LOCAL)
        stored = known.versions.get(judged.manifest.version) if known is not None else None
        lint = stored.lint if stored is not None and stored.digest == judged.verdict.digest else ""
        if verb not in (Verb.RESTORE, Verb.RESTART):
            policy, examine = self.policy(judged.manifest.name), self._roster.world.lint.examine
            lint = await examine(judged.manifest, judged.tree, policy=policy, known=lint)
        return replace(judged, lint=lint)

    async def _judge_incoming(self, request: Request, known: Plugin | None, package: Any) -> Judged:
        """The package that the request brings, or the stored one that it names. Raises Refused."""
        if package is None:
            assert known is not None
            return await self.judge_stored(known, self._version(request, known))
        assert request.package is not None
        consent = request.flag("consent")
        installed = await self.followed(known, consent=consent)
        leave = Leave(downgrade=request.flag("downgrade"), consent=consent, installed=installed)
        judged = self.judge(request.package, package, leave)
        if known is not None:
            self._compare(known, judged)
        return judged

    def _install(self, present: Present, known: Plugin | None, judged: Judged, row: PluginRecord) -> Plan:
        """Nothing, when exactly this is installed and chosen already."""
        version, signer = row.version, judged.verdict.signer
        stored = known.versions.get(version) if known is not None else None
        same = stored is not None and stored.digest == judged.verdict.digest and stored.lint == judged.lint
        if known is not None and same and known.record.version == version and present.owner == signer:
            return Plan(())
        trust = _demand(self._roster.trust)
        record = VersionRecord(
            plugin=row.name,
            version=version,
            type=judged.manifest.type,
            digest=judged.verdict.digest,
            signer=signer,
            level=judged.verdict.level,
            sequence=judged.sequence,
            installed=self._roster.world.clock.time(),
            lint=judged.lint,
        )
        candidate = Candidate(
            version=version,
            digest=judged.verdict.digest,
            version_record=version_text(stored if stored is not None and same else record),
            plugin_record=plugin_text(row),
            owner=signer,
            mark=in_order((trust.mark(row.name, owner=signer) or version, version))[-1],
            quota=judged.manifest.limits.storage,
            keeps_data=judged.keeps_data,
            kept=trust.former.get(f"{row.name}/{signer}", ""),
        )
        return verbs.install(present, candidate)

    def _compare(self, known: Plugin, judged: Judged) -> None:
        """A version means one package; only development packages may be replaced in place. Raises Refused."""
        version, digest = judged.manifest.version, judged.verdict.digest
        stored = known.versions.get(version)
        if stored is not None and stored.digest != digest and judged.verdict.level != "dev":
            sentence = f"cannot install {known.name} {version}: another package of this version is installed"
            evidence = {"installed": stored.digest, "offered": digest}
            hint = f"give it a new version, or first: exoctl plugin remove {known.name}"
            raise Refused(Refusal("version-differs", sentence, hint, evidence))

    def _version(self, request: Request, known: Plugin) -> str:
        version = str(request.options.get("version", known.record.version))
        if version not in known.versions:
            sentence = f"cannot {request.verb} {known.name}: version {version} is not installed"
            raise Refused(Refusal("unknown-version", sentence, outcome=Outcome.NOT_FOUND))
        return version

    def _present(self, name: str, known: Plugin | None) -> Present:
        state = self._roster.trust
        owner = self._roster.owner(name)
        mark = "" if isinstance(state, Refusal) else state.marks.get(name, "")
        if known is None:
            return Present(name, owner=owner, mark=mark)
        return Present(
            name,
            state=known.state.word,
            instance=known.instance.id if known.instance is not None else 0,
            desired=known.record.desired,
            enabled=known.record.enabled,
            record=plugin_text(known.record),
            stored={version: version_text(row) for version, row in known.versions.items()},
            digests={version: row.digest for version, row in known.versions.items()},
            owner=owner,
            mark=mark,
            config=dump_values(dict(known.record.config)),
        )

    def _change(self, request: Request, plugin: Plugin) -> Prepared:
        present, result = self._present(plugin.name, plugin), {"plugin": plugin.name}
        match request.verb:
            case Verb.CONFIGURE:
                return self._configure(request, plugin, present)
            case Verb.ENABLE | Verb.DISABLE:
                plan = verbs.desire(present, present.desired, enabled=request.verb is Verb.ENABLE)
            case Verb.REMOVE | Verb.UNLOAD:
                self._needed_by(request, plugin)
                purge = request.flag("purge")
                plan = verbs.remove(present, purge=purge) if request.verb is Verb.REMOVE else verbs.unload(present)
            case _:
                plan = verbs.move(present, StepKind(request.verb.value))
        return Prepared(plan, result=result)

    def _needed_by(self, request: Request, plugin: Plugin) -> None:
        """Raises Refused while a loaded plugin depends on this one."""
        for other in self._roster.plugins.values():
            manifest = other.manifest
            if not other.alive or manifest is None or other is plugin or not plugin.alive:
                continue
            if any(one.name == plugin.name and not one.optional for one in manifest.dependencies):
                sentence = f"cannot {request.verb} {plugin.name}: {other.name} needs it"
                hint = f"exoctl plugin unload {other.name}"
                raise Refused(Refusal("needed", sentence, hint, {"needed-by": other.name}, Outcome.FAILED))

    def _configure(self, request: Request, plugin: Plugin, present: Present) -> Prepared:
        manifest = plugin.manifest
        values = request.options.get("values", {})
        assert manifest is not None
        assert isinstance(values, Mapping)
        wanted = dict(plugin.record.config) | dict(values)
        config = _demand(options.check(manifest.config, wanted))
        old = options.check(manifest.config, plugin.record.config)
        plan = verbs.configure(present, values=dump_values(wanted), keys=values)
        old_config = None if isinstance(old, Refusal) else old
        return Prepared(plan, config=config, old_config=old_config, result={"plugin": plugin.name})


def _demand(found: T | Refusal) -> T:
    """What was found, not why it was not. Raises Refused."""
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def _gone(plugin: str, version: str) -> Refusal:
    sentence = f"cannot load {plugin} {version}: its package is gone from the store"
    return Refusal("package-gone", sentence, f"exoctl plugin install {plugin}_{version}.exopkg")


def _carried(manifest: Manifest, known: Plugin | None) -> Mapping[str, Value]:
    """What was ever set and still fits: an upgrade must not fail over an option that is gone."""
    if known is None:
        return {}
    kept = {}
    for option in manifest.config:
        value = known.record.config.get(option.name)
        if value is not None and not isinstance(options.check((option,), {option.name: value}), Refusal):
            kept[option.name] = value
    return kept
