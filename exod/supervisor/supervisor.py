"""The supervisor's face: requests in, jobs out, views of what is. Everything it does is done by the modules beside it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exod.errors import Refusal
from exod.package.options import Value
from exod.plan.steps import Step
from exod.settings import Settings
from exod.supervisor.ports import Caller, World
from exod.supervisor.requests import Request as Request
from exod.supervisor.requests import Verb as Verb
from exod.supervisor.views import InstanceView, JobView, PluginView


class Supervisor:
    """One per daemon. Nothing here blocks; whatever cannot be done is a refusal."""

    plugins: Mapping[str, PluginView]
    instances: Mapping[int, InstanceView]
    jobs: Mapping[int, JobView]
    degraded: Mapping[str, str]
    """What this host or its configuration lacks, and what that costs."""
    state: str
    """starting, running, degraded or stopping"""
    mode: str
    """production or development"""
    started_at: int

    def __init__(
        self, world: World, *, settings: Settings, mode: str = "production", checkpoint: Callable[[str], None] | None = None
    ) -> None: ...

    async def start(self) -> None:
        """Takes the lease, ends survivors, finishes or undoes unfinished jobs; restores desired state in the background."""

    async def stop(self) -> None:
        """Ends every instance and every task; desired state is left as it is."""

    async def restored(self) -> None:
        """Waits until the restoration that start() began is over."""

    def submit(self, request: Request) -> int:
        """The id of the queued job. Raises Refused when the request is malformed or names no plugin."""

    async def plan(self, request: Request) -> list[Step] | Refusal:
        """The steps that `request` would run now; nothing is changed."""

    async def validate(self, data: bytes) -> Mapping[str, Any]:
        """The full security context of a package: accepted, signer, level, …, refusal; nothing is changed."""

    def cancel(self, job: int, caller: Caller) -> Refusal | None:
        """Undoes a job; refused when it is over or past its point of no return. Authority is the caller's matter."""

    async def finished(self, job: int) -> JobView:
        """Waits until the job is over."""

    def info(self, plugin: str) -> Mapping[str, Any]:
        """US-004's twelve fields. Raises Refused."""

    def config(self, plugin: str) -> Mapping[str, Value]:
        """The complete configuration in force. Raises Refused."""

    def logs(self, plugin: str, lines: int) -> Sequence[str]: ...

    def check_capability(self, plugin: str, capability: str) -> tuple[bool, str]:
        """Whether the plugin has the capability, and why."""

    def check_dependencies(self, plugin: str) -> list[tuple[str, str, str, str]]:
        """(name, range, status, version found); status is satisfied, missing, conflict or optional."""

    def list_trust(self) -> list[Mapping[str, str]]:
        """The anchors in force, as strings."""

    async def call(
        self, plugin: str, service: str, method: str, arguments: Sequence[Any], caller: Caller
    ) -> Sequence[Any]:
        """Calls a plugin's service. Access is checked before. Raises Refused."""

    async def get_property(self, plugin: str, service: str, name: str) -> Any: ...

    async def set_property(self, plugin: str, service: str, name: str, value: Any, caller: Caller) -> None: ...

    async def reload(self, settings: Settings | None = None) -> list[str]:
        """Reads trust anew, judges every instance again; the sentences say what changed."""

    async def recover_trust(self, caller: Caller) -> None:
        """Accepts the loss of the trust state: owners are pinned anew at the next load. Raises Refused if none is lost."""

    def refused(self, refusal: Refusal, *, caller: Caller, subject: str) -> None:
        """Audits a refusal that was decided in front of the supervisor, such as a lack of authority."""

    def strike(self, plugin: str, reason: str) -> None:
        """The bus refused a value of this plugin's: counts as one that its channel struck for."""
