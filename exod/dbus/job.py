"""The Job interface: one object per supervised change, and its cancellation."""

from exod.dbus.facet import OwnFacet
from exod.dbus.introspect import MANAGE
from exod.dbus.objects import Call
from exod.dbus.requesting import Requests
from exod.errors import Refused


class Job(OwnFacet):
    name = "org.exoos.Exod1.Job"

    def __init__(self, requests: Requests, job: int) -> None:
        super().__init__(requests.supervisor.jobs, job)
        self._requests = requests
        self._job = job

    async def cancel(self, call: Call) -> None:
        """The one method whose access rule is `any`: who began the job needs no further right to end it."""
        if self._requests.is_own(self._job, call.sender):
            caller = await call.authority.caller(call.sender)
        else:
            caller = await call.authority.require(
                MANAGE, call.sender, details=self.details("Cancel"), interactive=call.interactive
            )
        self._requests.supervisor.audited(None, caller, f"{call.header.path} Cancel")
        if refusal := self._requests.supervisor.cancel(self._job, caller):
            raise Refused(refusal)
