"""From a method's arguments to a request of the supervisor: packages are read, a sender's unfinished jobs counted."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from exod.dbus.caps import Caps
from exod.dbus.failures import Standard
from exod.dbus.objects import Call
from exod.errors import Outcome, Refusal, Refused
from exod.names import job_path
from exod.supervisor.requests import Request, Verb
from exod.supervisor.supervisor import Supervisor

ACTIVE = ("queued", "running", "undoing")


ReadPackage = Callable[[int], Awaitable[bytes | Refusal]]
"""A caller's descriptor → the bytes of a package. Takes the descriptor over; has a deadline; never blocks the loop."""


class Shown(Protocol):
    """The part of the face that a new job needs."""

    def job(self, job: int) -> None: ...
    def flush(self) -> None: ...


class Requests:
    """What Manager and Plugin objects share: how a package is read and a job begun."""

    def __init__(self, supervisor: Supervisor, face: Shown, *, read_package: ReadPackage, caps: Caps) -> None:
        self.supervisor = supervisor
        self._face = face
        self._read_package = read_package
        self._jobs_max = caps.jobs
        self._owners: dict[int, str] = {}

    async def package(self, call: Call, index: int) -> bytes:
        """The bytes behind the descriptor, which whoever reads it takes over. Raises Refused."""
        found = await self._read_package(call.take(index))
        if isinstance(found, Refusal):
            self.supervisor.audited(found, caller=call.by, subject="read a package")
            raise Refused(found)
        return found

    def submit(self, request: Request) -> str:
        """The job's path; its object exists before the answer is sent."""
        sender = request.caller.name
        self._owners = {job: owner for job, owner in self._owners.items() if self._is_active(job)}
        if list(self._owners.values()).count(sender) >= self._jobs_max:
            raise Standard("LimitsExceeded", f"cannot begin a job: {self._jobs_max} of this caller are not finished")
        job = self.supervisor.submit(request)
        self._owners[job] = sender
        self._face.job(job)
        self._face.flush()
        return job_path(job)

    async def plan(self, request: Request) -> list[str]:
        return [step.describe() for step in await self.supervisor.plan(request)]

    def is_own(self, job: int, sender: str) -> bool:
        return self._owners.get(job) == sender

    def forget_callers(self) -> None:
        """After the loss of the bus a unique name may be somebody else's."""
        self._owners = dict.fromkeys(self._owners, "")

    def _is_active(self, job: int) -> bool:
        view = self.supervisor.jobs.get(job)
        return view is not None and view.state in ACTIVE


def verb(text: str, allowed: Collection[Verb]) -> Verb:
    """The verb of a dry run. Raises Refused."""
    if text not in allowed:
        raise Refused(usage("unknown-verb", f'cannot plan: there is no verb "{text}"', ", ".join(allowed)))
    return Verb(text)


def usage(code: str, sentence: str, choices: str) -> Refusal:
    return Refusal(code, sentence, f"one of: {choices}", outcome=Outcome.USAGE)
