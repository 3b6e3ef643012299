"""The outside check: an instance's walls as the kernel shows them, against what they must be. Facts → proof or refusal.

Done before the instance is let go, and told apart from what the instance says of itself: nothing here comes from it.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from exod.errors import Refusal, Refused
from exod.linux import pidfd, procfs
from exod.plan.confine import LAYERS, Layer

_NONE = "0000000000000000"
_PROOFS = {
    Layer.PIDS: {"NSpid", "namespace pid"},
    Layer.IPC: {"namespace ipc"},
    Layer.HOST_NAME: {"namespace uts"},
    Layer.CGROUPS: {"namespace cgroup"},
    Layer.NETWORK: {"namespace net"},
    Layer.MOUNTS: {"namespace mnt"},
    Layer.OWN_UID: {"Uid", "Gid", "Groups"},
    Layer.USERS: {"namespace user"},
    Layer.CAPABILITIES: {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"},
    Layer.NO_NEW_PRIVILEGES: {"NoNewPrivs"},
    Layer.SECCOMP: {"Seccomp", "Seccomp_filters"},
}
"""What of a layer can be seen from outside. Not seen: a Landlock domain, rlimits, keyring, what is open or mounted."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What this instance must be. `network`: the inode of the namespace it was given; `group`: below the mount;
    `filters`: how many its parent had, and one more is its own.
    inert: from no mount of it, its own package's included, more code is mapped."""

    pid: int
    descriptor: int
    uid: int
    keeper: int
    group: str
    network: int
    layers: frozenset[Layer] = LAYERS
    inert: bool = False
    filters: int = 0


def inspect(instance: int, expected: Expected) -> Mapping[str, str]:
    """What was found, for the audit; raises Refused with all that is wrong."""
    try:
        status = procfs.status(expected.pid)
        spaces = procfs.namespaces(expected.pid)
        group = procfs.cgroup(expected.pid)
        code = procfs.executable(expected.pid) if expected.inert else []
    except OSError as error:
        raise Refused(_refuse(instance, {"process": f"cannot be read: {error.strerror}"})) from error
    # Only now: were it ended, its number could have been another's while we read.
    if pidfd.ended(expected.descriptor):
        raise Refused(_refuse(instance, {"process": "ended"}))
    host = _host()
    wrong = {name: _said(status, name) for name, wanted in _wanted(expected).items() if _said(status, name) != wanted}
    wrong |= {f"namespace {kind}": "the host's" for kind in procfs.NAMESPACES if spaces[kind] == host[kind]}
    if spaces["net"] != expected.network:
        wrong["namespace net"] = "not the one it was given"
    wrong |= {f"mount {place}": "executable" for place in code}
    if group != expected.group:
        wrong["cgroup"] = group
    if int(status.get("Seccomp_filters", "0")) <= expected.filters:
        wrong["Seccomp_filters"] = status.get("Seccomp_filters", "missing")
    for layer in LAYERS - expected.layers:
        for name in _PROOFS.get(layer, ()):
            wrong.pop(name, None)
    if wrong:
        raise Refused(_refuse(instance, wrong))
    found = {"pid": str(expected.pid), "uid": str(expected.uid), "cgroup": group, "seccomp": status["Seccomp"]}
    found |= {f"ns_{kind}": str(number) for kind, number in spaces.items()}
    return found | {"capabilities": status["CapBnd"], "no_new_privileges": status["NoNewPrivs"]}


@functools.cache
def _host() -> dict[str, int]:
    """This process's own, which it never leaves."""
    return procfs.namespaces("self")


def _wanted(expected: Expected) -> dict[str, str]:
    """What each row of /proc/PID/status has to say."""
    ids = "\t".join([str(expected.uid)] * 4)
    rows = dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), _NONE)
    rows |= {"Seccomp": "2", "NoNewPrivs": "1", "Uid": ids, "Gid": ids, "Groups": ""}
    return rows | {"PPid": str(expected.keeper), "NSpid": "1"}


def _said(status: Mapping[str, str], row: str) -> str:
    said = status.get(row, "missing")
    return said.split("\t")[-1] if row == "NSpid" else said  # its number in the innermost namespace


def _refuse(instance: int, wrong: Mapping[str, str]) -> Refusal:
    what = ", ".join(f"{name} is {found}" for name, found in sorted(wrong.items()))
    return Refusal("walls-incomplete", f"cannot let instance {instance} go: {what}", evidence=dict(wrong))
