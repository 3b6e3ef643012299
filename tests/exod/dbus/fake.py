"""A supervisor that remembers what it was asked, with the API that the bus uses; and views to fill it with."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from exod.errors import Outcome, Refusal, Refused
from exod.package.limits import Limits
from exod.package.services import Method, Property, Service, Signal
from exod.plan.steps import Step, StepKind
from exod.supervisor.ports import Caller, Usage, Wanted
from exod.supervisor.requests import Request, check
from exod.supervisor.views import InstanceView, JobView, PluginView


def plugin_view(name: str, **changes: Any) -> PluginView:
    view = PluginView(
        name=name,
        version="1.0.0",
        versions=("1.0.0",),
        type="custom",
        summary="says hello",
        state=3,
        state_name="running",
        desired="running",
        enabled=True,
        critical=False,
        instance=7,
        process_id=4321,
        signer="ab" * 16,
        trust_level="full",
        fault={},
        restarts=0,
        load_time=1_700_000_000,
    )
    return replace(view, **changes)


USAGE = Usage(memory=1 << 20, cpu_percent=12.5, cpu_time=5, files=8, tasks=1, io=2.0, storage=512, ran=3.5)


def instance_view(number: int, plugin: str) -> InstanceView:
    names: tuple[Any, ...] = (number, plugin, "1.0.0", 4321, 2147000001, "cd" * 32, 1_700_000_000, {"seccomp": "2"})
    return InstanceView(*names, Limits(), 2, lambda: USAGE, lambda: {"memory": 0.5})


def job_view(number: int, **changes: Any) -> JobView:
    view = JobView(number, "load", "hello", ":1.1", "queued", "", 0, 12, 0, {}, {}, 1_700_000_000, 0)
    return replace(view, **changes)


GREETER = Service(
    "greeter",
    "org.exoos.Hello1",
    "any",
    methods=(Method("Greet", "s", "s"), Method("Add", "ii", "i"), Method("Pair", "", "sa{sv}"), Method("Rest", "", "")),
    signals=(Signal("Greeted", "s"),),
    properties=(Property("Count", "u"), Property("Mood", "s", "readwrite")),
)


class FakeSupervisor:
    state = "running"
    mode = "development"
    started_at = 1_700_000_000
    phases: dict[str, int] = {"critical": 5_000_000}
    zygotes = (("lab", "trusted", "in-use", 70, 6_000_000),)

    def __init__(self, face: Any) -> None:
        self.face, self.desk = face, self
        self.plugins: dict[str, PluginView] = {}
        self.instances: dict[int, InstanceView] = {}
        self.jobs: dict[int, JobView] = {}
        self.degraded: dict[str, str] = {"dev": "only for development"}
        self.requests: list[Request] = []
        self.refusals: list[tuple[Refusal, Caller, str]] = []
        self.let_in: list[tuple[Caller, str]] = []
        self.strikes: list[tuple[str, str]] = []
        self.calls = self.audit = self
        self.called: list[tuple[str, str, str, list[Any], Caller]] = []
        self.answers: dict[str, Any] = {}
        self.properties: dict[str, Any] = {"Count": 3, "Mood": "calm"}
        self.cancelled: list[tuple[int, Caller]] = []
        self.recovered: list[Caller] = []
        self.reexecuted: list[str] = []
        self.repairs: list[tuple[str, str, Caller]] = []
        self.held: asyncio.Event | None = None

    # --- the host -----------------------------------------------------------------------------------------------

    async def doctor(self) -> Sequence[Mapping[str, str]]:
        return [{"id": "clock", "level": "ok"}]

    def repairing(self, check: str, what: str, *, by: Caller) -> None:
        self.repairs.append((check, what, by))

    # --- jobs ---------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> int:
        if refusal := check(request):
            raise Refused(refusal)
        self.requests.append(request)
        number = len(self.jobs) + 1
        self.jobs[number] = job_view(number, kind=str(request.verb), caller=request.caller.name)
        self.face.job(number)
        return number

    async def plan(self, request: Request) -> list[Step]:
        if refusal := check(request):
            raise Refused(refusal)
        self.requests.append(request)
        if request.plugin == "nope":
            raise Refused(Refusal("unknown-plugin", "cannot plan nope: not installed", outcome=Outcome.NOT_FOUND))
        data = {"plugin": "hello", "version": "1.0.0", "instance": 7}
        return [Step(StepKind.SPAWN, data), Step(StepKind.GO, data)]

    async def validate(self, data: bytes, caller: Caller) -> Mapping[str, Any]:
        return {"accepted": True, "size": len(data), "capabilities": ["files"], "limits": {"memory": 1}, "ratio": 0.5}

    def cancel(self, job: int, caller: Caller) -> Refusal | None:
        if self.jobs[job].state == "done":
            return Refusal("job-over", f"cannot cancel job {job}: it is over", outcome=Outcome.FAILED)
        self.cancelled.append((job, caller))
        return None

    # --- questions ----------------------------------------------------------------------------------------------

    def info(self, plugin: str) -> Mapping[str, Any]:
        return {"id": 7, "name": plugin, "limits": {"memory": 5, "tasks": 2}, "metadata": {"author": "me"}, "tags": []}

    def config(self, plugin: str) -> Mapping[str, Any]:
        return {"secret": "s3cret", "interval": 5, "ratio": 0.5, "on": True}

    def logs(self, plugin: str, lines: int) -> Sequence[str]:
        return ["one", "two\0three", "four"][-lines:]

    def check_capability(self, plugin: str, capability: str) -> tuple[bool, str]:
        if plugin not in self.plugins:
            raise Refused(
                Refusal("unknown-plugin", f"cannot check {plugin}: no", "look", {"a": "b"}, Outcome.NOT_FOUND)
            )
        return capability == "files", "granted"

    def check_dependencies(self, plugin: str) -> list[tuple[str, str, str, str]]:
        return [("base", ">=1", "satisfied", "1.2.0")]

    def list_usage(self) -> list[Any]:
        return [(7, "hello", "running", 2, 1 << 20, 12.5, 1, 8, 2.0, 512, 3.5)]

    async def links(self) -> list[Any]:
        """Its own desk."""
        return [(9, "hello", "echo", "normal", 256, 4096, 3, 30, 0, 1, 2, 0, 8.0, 16.0)]

    def list_trust(self) -> list[Mapping[str, str]]:
        return [{"name": "lab", "level": "full"}]

    async def reload(self) -> list[str]:
        return ["trust: 1 anchor more"]

    async def reexecute(self, part: str) -> None:
        if part == "nope":
            raise Refused(Refusal("unknown-part", "cannot re-execute nope", outcome=Outcome.USAGE))
        self.reexecuted.append(part)

    async def recover_trust(self, caller: Caller) -> None:
        self.recovered.append(caller)

    def refused(self, refusal: Refusal, *, caller: Caller, subject: str) -> None:
        self.refusals.append((refusal, caller, subject))

    def audited(self, refusal: Refusal | None, caller: Caller, subject: str) -> None:
        if refusal is None:
            self.let_in.append((caller, subject))
        else:
            self.refused(refusal, caller=caller, subject=subject)

    async def files(self) -> tuple[list[tuple[str, int]], dict[str, str]]:
        return [("audit-000000000001.jsonl", 7)], {"seq": "7"}

    async def read(self, name: str, offset: int) -> bytes:
        return f"{name}@{offset}".encode()

    def strike(self, plugin: str, reason: str) -> None:
        self.strikes.append((plugin, reason))

    # --- services -----------------------------------------------------------------------------------------------

    async def ask(self, plugin: str, wanted: Wanted, caller: Caller) -> Any:
        if wanted.kind == "get":
            return self.properties[wanted.member]
        if wanted.kind == "set":
            [self.properties[wanted.member]] = wanted.arguments
            return None
        self.called.append((plugin, wanted.service, wanted.member, list(wanted.arguments), caller))
        if self.held:
            await self.held.wait()
        answer = self.answers.get(wanted.member, [])
        if isinstance(answer, BaseException):
            raise answer
        return answer(*wanted.arguments) if callable(answer) else answer
