"""The supervisor as objects: "this changed" → objects added and removed, and PropertiesChanged of what differs.

Implements `supervisor.ports.Face`. Changes are gathered and shown once per turn of the loop; a job that is merely
getting on ten times a second, a service's properties once. Of finished jobs the newest hundred have an object.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from exod.dbus.dispatch import Dispatcher
from exod.dbus.failures import Standard
from exod.dbus.instance import Instance
from exod.dbus.job import Job
from exod.dbus.objects import Facet, typed
from exod.dbus.plugin import Plugin
from exod.dbus.requesting import ACTIVE, Requests
from exod.dbus.service import ServiceFacet, problem
from exod.dbus.standard import OBJECT_MANAGER, PROPERTIES, shown
from exod.names import ROOT_PATH, instance_path, job_path, plugin_path, service_path
from exod.package.services import Service

_log = logging.getLogger(__name__)
JOBS_SHOWN: Final = 100
_JOB_INTERVAL: Final = 0.1
"""Seconds. A load takes a dozen steps in as many milliseconds: to show each was two fifths of its work."""
_SERVICE_INTERVAL: Final = 1.0
_SIGNALS_PER_SECOND: Final = 200


class BusFace:
    """Given to the supervisor before there is a bus; shows nothing until `attach`."""

    def __init__(self) -> None:
        self._dispatcher: Dispatcher | None = None
        self._requests: Requests | None = None
        self._dirty: dict[tuple[str, int | str], None] = {}
        self._flushing: asyncio.Handle | None = None
        self._last: dict[str, Mapping[str, Any]] = {}
        self._finished: OrderedDict[int, None] = OrderedDict()
        self._resting: dict[int, asyncio.TimerHandle] = {}
        self._waiting: set[int] = set()
        self._services: dict[tuple[str, str], _Offered] = {}
        self.signals_over_rate = 0

    def attach(self, dispatcher: Dispatcher, requests: Requests, manager: Facet) -> None:
        """Shows all that is there."""
        self._dispatcher = dispatcher
        self._requests = requests
        self._add(ROOT_PATH, manager)
        supervisor = requests.supervisor
        self._dirty.update((("plugin", name), None) for name in sorted(supervisor.plugins))
        self._dirty.update((("instance", number), None) for number in sorted(supervisor.instances))
        self._dirty.update((("job", number), None) for number in sorted(supervisor.jobs))
        for offered in self._services.values():
            self._add(offered.path, offered.bind(requests))
        self.flush()

    def detach(self) -> None:
        if self._flushing:
            self._flushing.cancel()
        for rest in self._resting.values():
            rest.cancel()
        for offered in self._services.values():
            offered.cancel()

    def forget_callers(self) -> None:
        for offered in self._services.values():
            if offered.facet:
                offered.facet.forget_listeners()

    # --- ports.Face ------------------------------------------------------------------------------------------------

    def plugin(self, name: str) -> None:
        self._touch("plugin", name)

    def instance(self, instance: int) -> None:
        self._touch("instance", instance)

    def job(self, job: int) -> None:
        self._touch("job", job)

    def daemon(self) -> None:
        self._touch("daemon", "")

    def offer(self, plugin: str, services: Sequence[Service]) -> None:
        for service in services:
            if why := problem(service):
                _log.error("service %s of %s is not shown: %s", service.name, plugin, why)
                continue
            offered = _Offered(plugin, service)
            self._services[plugin, service.name] = offered
            if self._requests:
                self._add(offered.path, offered.bind(self._requests))

    def withdraw(self, plugin: str) -> None:
        for key in [key for key in self._services if key[0] == plugin]:
            offered = self._services.pop(key)
            offered.cancel()
            self._remove(offered.path)

    def emit(self, plugin: str, service: str, signal: str, arguments: Sequence[Any]) -> None:
        offered = self._services.get((plugin, service))
        if offered is None or offered.facet is None or self._dispatcher is None:
            return
        facet = offered.facet
        if not offered.may_emit(asyncio.get_running_loop().time()):
            self.signals_over_rate += 1
            return
        if (checked := facet.signal(signal, arguments)) is None:
            return
        for to in facet.listeners:
            self._dispatcher.emit(offered.path, facet.interface.name, signal, *checked, to=to)

    def changed(self, plugin: str, service: str, properties: Mapping[str, Any]) -> None:
        offered = self._services.get((plugin, service))
        if offered is not None and offered.facet is not None:
            offered.merge(offered.facet.change(properties), show=self._show_service)

    # --- showing ---------------------------------------------------------------------------------------------------

    def _touch(self, kind: str, key: int | str) -> None:
        self._dirty[kind, key] = None
        if self._dispatcher and self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Shows all changes now."""
        if self._flushing:
            self._flushing.cancel()
            self._flushing = None
        dirty, self._dirty = self._dirty, {}
        for kind, key in dirty:
            try:
                self._refresh(kind, key)
            except Exception:
                # One object that cannot be shown must not hide the others.
                _log.exception("internal error: cannot show %s %s", kind, key)

    def _refresh(self, kind: str, key: Any) -> None:
        assert self._requests is not None
        requests, supervisor = self._requests, self._requests.supervisor
        match kind:
            case "plugin":
                self._update(plugin_path(key), key in supervisor.plugins, lambda: Plugin(requests, key))
            case "instance":
                views = supervisor.instances
                self._update(instance_path(key), key in views, lambda: Instance(views, key))
            case "job":
                view = supervisor.jobs.get(key)
                if view is not None and self._is_resting(key, view.state):
                    return
                self._update(job_path(key), view is not None, lambda: Job(requests, key))
                if view is not None and view.state not in ACTIVE:
                    self._forget_old_jobs(key)
            case _:
                self._announce(ROOT_PATH)

    def _is_resting(self, job: int, state: str) -> bool:
        """Shown a moment ago, and in the same state: what is new will be shown when its rest is over."""
        last = self._last.get(job_path(job))
        if last is None or last["State"] != state:
            return False
        if job in self._resting:
            self._waiting.add(job)
            return True
        self._resting[job] = asyncio.get_running_loop().call_later(_JOB_INTERVAL, self._rested, job)
        return False

    def _rested(self, job: int) -> None:
        del self._resting[job]
        if job in self._waiting:
            self._waiting.discard(job)
            self._touch("job", job)

    def _forget_old_jobs(self, job: int) -> None:
        self._finished[job] = None
        while len(self._finished) > JOBS_SHOWN:
            oldest, _ = self._finished.popitem(last=False)
            self._remove(job_path(oldest))

    def _update(self, path: str, exists: object, make: Callable[[], Facet]) -> None:
        assert self._dispatcher is not None
        if not exists:
            self._remove(path)
        elif path in self._dispatcher.objects:
            self._announce(path)
        else:
            self._add(path, make())

    def _add(self, path: str, facet: Facet) -> None:
        assert self._dispatcher is not None
        interfaces = shown(facet)
        self._last[path] = facet.snapshot()
        self._dispatcher.objects[path] = facet
        if path != ROOT_PATH:
            self._dispatcher.emit(ROOT_PATH, OBJECT_MANAGER.name, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def _remove(self, path: str) -> None:
        if self._dispatcher is None or path not in self._dispatcher.objects:
            return
        facet = self._dispatcher.objects.pop(path)
        self._last.pop(path, None)
        self._dispatcher.emit(
            ROOT_PATH, OBJECT_MANAGER.name, "InterfacesRemoved", "oas", [path, [facet.interface.name]]
        )

    def _announce(self, path: str) -> None:
        assert self._dispatcher is not None
        facet = self._dispatcher.objects[path]
        try:
            now = facet.snapshot()
        except Standard:
            self._remove(path)
            return
        before, self._last[path] = self._last[path], now
        different = {name: value for name, value in now.items() if before.get(name) != value}
        if different:
            self._properties_changed(path, facet, different, to=("",))

    def _show_service(self, offered: "_Offered", properties: Mapping[str, Any]) -> None:
        if offered.facet:
            self._properties_changed(offered.path, offered.facet, properties, to=offered.facet.listeners)

    def _properties_changed(self, path: str, facet: Facet, properties: Mapping[str, Any], *, to: Sequence[str]) -> None:
        assert self._dispatcher is not None
        body = [facet.interface.name, typed(facet.interface, properties), []]
        for one in to:
            self._dispatcher.emit(path, PROPERTIES.name, "PropertiesChanged", "sa{sv}as", body, to=one)


class _Offered:
    """A service that is offered: what it gathered to show, and when it last showed something."""

    def __init__(self, plugin: str, service: Service) -> None:
        self.path = service_path(plugin, service.name)
        self.facet: ServiceFacet | None = None
        self._plugin = plugin
        self._service = service
        self._gathered: dict[str, Any] = {}
        self._shown_at = float("-inf")
        self._later: asyncio.TimerHandle | None = None
        self._second = float("-inf")
        self._emitted = 0

    def bind(self, requests: Requests) -> ServiceFacet:
        self.facet = ServiceFacet(requests.supervisor.calls, self._plugin, self._service)
        return self.facet

    def may_emit(self, now: float) -> bool:
        """So many signals a second; the rest of that second's are dropped."""
        if now - self._second >= 1.0:
            self._second, self._emitted = now, 0
        self._emitted += 1
        return self._emitted <= _SIGNALS_PER_SECOND

    def merge(self, properties: Mapping[str, Any], *, show: "Show") -> None:
        self._gathered.update(properties)
        if not self._gathered or self._later:
            return
        loop = asyncio.get_running_loop()
        wait = self._shown_at + _SERVICE_INTERVAL - loop.time()
        self._later = loop.call_later(max(0.0, wait), self._show, show)

    def _show(self, show: "Show") -> None:
        self._later = None
        self._shown_at = asyncio.get_running_loop().time()
        gathered, self._gathered = self._gathered, {}
        show(self, gathered)

    def cancel(self) -> None:
        if self._later:
            self._later.cancel()
            self._later = None


Show = Callable[[_Offered, Mapping[str, Any]], None]
