"""Manifest → sentences: what the plugin could reach if all it asks for were granted. Made from what exod enforces.

A sentence here and a grant there come from the same parsed field, so that what is shown is what is asked for.
"""

from collections.abc import Iterator

from exod.package.limits import ENFORCED, Limits
from exod.package.manifest import Manifest
from exod.package.permissions import Permissions
from exod.package.services import Service

_ACCESS = {"root": "root only", "any": "every user"}


def sentences(manifest: Manifest) -> list[str]:
    asked = list(_permissions(manifest.permissions))
    if not asked:
        asked = ["reaches nothing of this host: no files, no network, no devices, no other plugin"]
    return [*asked, *_services(manifest.services), *_limits(manifest.limits), *_rest(manifest)]


def _permissions(asked: Permissions) -> Iterator[str]:
    for access in asked.filesystem:
        yield f"{'reads and writes' if access.mode == 'read-write' else 'reads'} {access.path}"
    yield from (f"talks over the network to {endpoint}" for endpoint in asked.network)
    yield from (f"opens links to the plugin {name}" for name in asked.ipc)
    yield from (f"uses the device {device}" for device in asked.hardware)
    if asked.processes:
        yield "starts processes of its own"
    yield from (f"uses the AI engine: {use}" for use in asked.ai)
    yield from (f"reads the system setting {name}" for name in asked.config)
    yield from (f"has the custom capability {name}" for name in asked.custom)
    if asked.native:
        yield "runs machine code that it brings along"


def _services(services: tuple[Service, ...]) -> Iterator[str]:
    for service in services:
        who = _ACCESS.get(service.access, service.access.replace(":", " ", 1))
        names = ", ".join(method.name for method in service.methods) or "no methods"
        yield f"offers {service.interface} on D-Bus to {who}: {names}"


def _limits(limits: Limits) -> Iterator[str]:
    said = {
        "memory": f"{limits.memory / 1048576:g} MiB of memory",
        "cpu": f"{limits.cpu} % of one core",
        "tasks": f"{limits.tasks} threads",
        "files": f"{limits.files} open files",
        "storage": f"{limits.storage / 1048576:g} MiB on disk",
        "call_time": f"{limits.call_time:g} s for a call",
        "messages": f"{limits.messages} messages a second",
    }
    for verb, note, enforced in (("is held to", "", True), ("asks for at most", "; not enforced yet", False)):
        if some := [text for name, text in said.items() if (name in ENFORCED) is enforced]:
            yield f"{verb} {', '.join(some)}{note}"


def _rest(manifest: Manifest) -> Iterator[str]:
    for dependency in manifest.dependencies:
        kind = "can use" if dependency.optional else "needs"
        yield f"{kind} {dependency.name} {dependency.range or dependency.provider}".rstrip()
    if manifest.critical:
        yield "asks to be restarted whenever it crashes"
