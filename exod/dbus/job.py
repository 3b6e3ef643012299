"""The Job interface: one object per supervised change, and its cancellation."""

from exod.dbus.facet import OwnFacet
from exod.dbus.failures import Standard
from exod.dbus.introspect import MANAGE
from exod.dbus.objects import Call
from exod.dbus.requesting import Requests
from exod.errors import Refused
from exod.supervisor.views import JobView


class Job(OwnFacet):
    name = "org.exoos.Exod1.Job"

    def __init__(self, requests: Requests, job: int) -> None:
        super().__init__()
        self._requests = requests
        self._supervisor = requests.supervisor
        self._job = job

    def view(self) -> JobView:
        view = self._supervisor.jobs.get(self._job)
        if view is None:
            raise Standard("UnknownObject", f"job {self._job} is gone")
        return view

    async def cancel(self, call: Call) -> None:
        """The one method whose access rule is `any`: who began the job needs no further right to end it."""
        if self._requests.is_own(self._job, call.sender):
            caller = await call.authority.caller(call.sender)
        else:
            caller = await call.authority.require(
                MANAGE, call.sender, details=self.details("Cancel"), interactive=call.interactive
            )
        if refusal := self._supervisor.cancel(self._job, caller):
            raise Refused(refusal)
