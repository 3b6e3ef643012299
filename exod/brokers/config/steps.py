"""Questions of instances for settings → answers, each audited. An answer is a value, or the sentence of a refusal."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exod.brokers.config.facts import SYSTEM
from exod.brokers.config.rules import OWNER, denied, is_question
from exod.brokers.questions import Asker, Uses, give
from exod.errors import Outcome, Refusal, Refused
from exod.package.options import Value
from exod.supervisor.ports import Want


@dataclass(frozen=True, slots=True)
class World:
    """read: a plugin's name → its settings in force; write: changes some of them, `by` whom; both raise Refused.

    note: into the audit. spawn: a task whose end somebody watches.
    """

    read: Callable[[str], Mapping[str, Value]]
    write: Callable[[str, Mapping[str, Value], str], Awaitable[None]]
    note: Callable[..., None]
    now: Callable[[], float]
    spawn: Callable[..., object]


class Config:
    def __init__(self, world: World) -> None:
        self._world = world
        self._uses = Uses(world.now)
        self._writing: set[str] = set()

    def wanted(self, asker: Asker, want: Want) -> None:
        """From the loop; the answer comes later, through the asker's channel."""
        self._world.spawn(self._answer(asker, want), name=f"setting for {asker.plugin}")

    async def _answer(self, asker: Asker, want: Want) -> None:
        try:
            self._uses.count(asker.plugin, what="ask for a setting")
        except Refused as refused:
            give(asker, want, None, refused.refusal.sentence)
            return
        value, said = None, ""
        try:
            value = await self._do(asker, want)
        except Refused as refused:
            said = refused.refusal.sentence
        except OSError as error:
            said = f"cannot {want.kind} {want.key}: {error.strerror}"
        use, key = (want.kind, want.key) if is_question(want.kind, want.key) else ("?", "?")
        by = f"plugin {asker.plugin}"
        self._world.note("setting", "broker", by, plugin=asker.plugin, use=use, key=key, refused=said)
        give(asker, want, value, said)

    async def _do(self, asker: Asker, want: Want) -> Value | None:
        if refusal := denied(want.kind, want.key, held=asker.confinement.permissions.get("config", ())):
            raise Refused(refusal)
        owner, _, name = want.key.partition(".")
        if want.kind == "write":
            await self._write(asker.plugin, owner, {name: want.value})
            return None
        known = {name: SYSTEM[name]()} if owner == OWNER else self._world.read(owner)
        if name not in known:
            sentence = f"cannot read {want.key}: {owner} has no such setting"
            raise Refused(Refusal("unknown-setting", sentence, outcome=Outcome.NOT_FOUND))
        return known[name]

    async def _write(self, plugin: str, owner: str, values: Mapping[str, Any]) -> None:
        """One at a time: each is a job with its record on disk."""
        if plugin in self._writing:
            raise Refused(Refusal("busy", f"cannot write a setting of {owner}: {plugin} is writing one already"))
        self._writing.add(plugin)
        try:
            await self._world.write(owner, values, f"plugin:{plugin}")
        finally:
            self._writing.discard(plugin)
