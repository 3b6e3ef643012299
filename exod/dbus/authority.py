"""Who a sender is and what they may do: unique bus name and an access rule → Caller, or a refusal.

Rules: `any`, `root`, `uid:N`, `group:NAME`, `polkit:ACTION`, or several that all have to hold, joined by ` & `; uid 0
passes all of them, without polkit. The uid is the bus's word
for the connection. Every error, time-out and vanished caller is a refusal.
"""

import asyncio
import grp
import os
import pwd
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from exod.dbus import polkit
from exod.dbus.codec import Variant
from exod.dbus.failures import Standard
from exod.dbus.wire import BusLost, CallFailed, Wire
from exod.errors import Outcome, Refusal, Refused
from exod.package.services import ANY as ANY
from exod.plan.policy import AND
from exod.supervisor.ports import Caller

CHALLENGE: Final = "InteractiveAuthorizationRequired"
_REMEMBERED: Final = 1024
_NSS_DEADLINE: Final = 5.0
UNKNOWN_UID: Final = -1


class Authority:
    """For one connection to the bus: on the next, the same unique name may be somebody else."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._uids: OrderedDict[str, int] = OrderedDict()

    async def caller(self, sender: str) -> Caller:
        """A unique name never changes hands, so its uid is asked for once. Raises Refused."""
        uid = self._uids.get(sender)
        if uid is None:
            try:
                [uid] = await self._wire.bus("GetConnectionUnixUser", "s", [sender], returns="u")
            except (CallFailed, BusLost, TimeoutError) as error:
                raise Refused(_refusal("the caller is gone", sender=sender)) from error
            self._uids[sender] = uid
            if len(self._uids) > _REMEMBERED:
                self._uids.popitem(last=False)
        return Caller(sender, uid)

    def known(self, sender: str) -> Caller:
        """For the audit of a refusal: uid -1 if the bus could not say."""
        return Caller(sender, self._uids.get(sender, UNKNOWN_UID))

    async def require(self, access: str, sender: str, *, details: Mapping[str, str], interactive: bool) -> Caller:
        """Raises Refused, or Standard(CHALLENGE) when asking a person would help."""
        caller = await self.caller(sender)
        if caller.uid != 0 and access != ANY:
            for one in access.split(AND):
                await self._hold(caller, one, details=details, interactive=interactive)
        return caller

    async def _hold(self, caller: Caller, access: str, *, details: Mapping[str, str], interactive: bool) -> None:
        rule, _, name = access.partition(":")
        if rule == "polkit":
            await self._ask_polkit(caller, name, details=details, interactive=interactive)
        elif rule == "group":
            if not await self._in_group(caller, name):
                raise Refused(_refusal(f"uid {caller.uid} is not in group {name}", sender=caller.name))
        elif (rule, name) != ("uid", str(caller.uid)):
            only = f"uid {name}" if rule == "uid" else "root"
            raise Refused(_refusal(f"only {only} may, not uid {caller.uid}", sender=caller.name))

    async def _ask_polkit(self, caller: Caller, action: str, *, details: Mapping[str, str], interactive: bool) -> None:
        verdict = await polkit.check(
            self._wire, sender=caller.name, action=action, details=details, interactive=interactive
        )
        if verdict.authorized:
            return
        if verdict.challenge and not interactive:
            raise Standard(CHALLENGE, f"cannot do this: {action} needs somebody to authenticate")
        reason = verdict.problem or f"polkit does not allow uid {caller.uid} to do {action}"
        raise Refused(_refusal(reason, sender=caller.name, action=action))

    async def _in_group(self, caller: Caller, name: str) -> bool:
        try:
            [credentials] = await self._wire.bus("GetConnectionCredentials", "s", [caller.name], returns="a{sv}")
            groups = _groups_in(credentials)
            async with asyncio.timeout(_NSS_DEADLINE):
                return await asyncio.to_thread(_is_member, name, caller.uid, groups)
        except (CallFailed, BusLost, TimeoutError):
            return False


def _groups_in(credentials: Mapping[str, Any]) -> frozenset[int] | None:
    found = credentials.get("UnixGroupIDs")
    return frozenset(found.value) if isinstance(found, Variant) and found.signature == "au" else None


def _is_member(name: str, uid: int, groups: frozenset[int] | None) -> bool:
    """In a thread: name services may read files or the network. `groups` are the connection's own, where known."""
    try:
        wanted = grp.getgrnam(name).gr_gid
        if groups is None:
            account = pwd.getpwuid(uid)
            groups = frozenset(os.getgrouplist(account.pw_name, account.pw_gid))
    except (KeyError, OSError):
        return False
    return wanted in groups


def _refusal(reason: str, **evidence: str) -> Refusal:
    return Refusal(
        "not-authorized",
        f"cannot do this: {reason}",
        "run it as root, or ask an administrator for the right",
        evidence,
        Outcome.NOT_AUTHORIZED,
    )
