"""Permissions → sentences: what a package asks for, or what the daemon says that an instance has.

The words are made of the very entries that are enforced, so that what is shown and what is enforced cannot differ.
"""

from collections.abc import Iterator, Mapping, Sequence

from exod.package.limits import Limits
from exod.package.manifest import Manifest
from exod.package.services import Service

_ACCESS = {"root": "root only", "any": "every user"}


def sentences(manifest: Manifest) -> list[str]:
    return [
        *held(manifest.permissions.asked()),
        *_services(manifest.services),
        _limits(manifest.limits),
        *_rest(manifest),
    ]


def held(permissions: Mapping[str, Sequence[str]]) -> list[str]:
    """One for each entry, of what a package asks for or of what an instance has."""
    said = [_permission(name, entry) for name, entries in permissions.items() for entry in entries]
    return said or ["reaches nothing of this host: no files, no network, no devices, no other plugin"]


_WORDS = {
    "listen": "is reached over the network at {}",
    "read-only": "reads {}",
    "read-write": "reads and writes {}",
    "network": "talks over the network to {}",
    "ipc": "opens links to the plugin {}",
    "hardware": "uses the device {}",
    "processes": "starts processes of its own",
    "ai": "uses the AI engine: {}",
    "read": "reads the setting {}",
    "write": "changes the setting {}",
    "custom": "has the custom capability {}",
    "native": "runs machine code that it brings along",
}
_MODAL = ("filesystem", "config", "listen")
"""Permissions whose entries begin with a mode."""


def _permission(name: str, entry: str) -> str:
    mode, _, what = entry.partition(":")
    name = mode if mode == "listen" else name
    return _WORDS[mode].format(what) if name in _MODAL else _WORDS[name].format(entry)


def _services(services: tuple[Service, ...]) -> Iterator[str]:
    for service in services:
        who = _ACCESS.get(service.access, service.access.replace(":", " ", 1))
        names = ", ".join(method.name for method in service.methods) or "no methods"
        yield f"offers {service.interface} on D-Bus to {who}: {names}"


def _limits(limits: Limits) -> str:
    said = [
        f"{limits.memory / 1048576:g} MiB of memory",
        f"{limits.cpu} % of one core",
        f"{limits.io / 1048576:g} MiB a second to and from disks",
        f"{limits.tasks} threads",
        f"{limits.files} open files",
        f"{limits.storage / 1048576:g} MiB on disk",
        f"{limits.connections} connections",
        f"{limits.call_time:g} s for a call",
        f"{limits.messages} messages a second",
    ]
    return f"is held to {', '.join(said)}"


def _rest(manifest: Manifest) -> Iterator[str]:
    for dependency in manifest.dependencies:
        kind = "can use" if dependency.optional else "needs"
        yield f"{kind} {dependency.name} {dependency.range or dependency.provider}".rstrip()
    if manifest.critical:
        yield "asks to be restarted whenever it crashes"
