"""The walls that the kernel lends to sandboxes, each raised in the probing child and leaned on.

Whoever looks stands behind the wall afterwards: never call a probe of this file in a process that has more to do.
"""

import array
import contextlib
import errno
import mmap
import os
import signal
import socket
import struct
from pathlib import Path

from exod.brokers.doctor.check import Check, Verdict, ok, warning, wrong
from exod.brokers.doctor.host import Host
from exod.brokers.network.own import left
from exod.linux import mount, pidfd
from exod.linux.descriptors import opened
from exod.linux.numbers import NUMBERS
from exod.linux.syscall import prctl, syscall, unshare

_NUMBERS = NUMBERS[os.uname().machine]
_NEWUSER = 0x10000000
_FLOOR = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000}
_FLOOR["network"] = 0x40000000
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 38, 65
_MDWE_REFUSE_EXEC_GAIN = 1


def user_namespaces(_: Host) -> Verdict:
    try:
        unshare(_NEWUSER)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EINVAL, errno.ENOSYS, errno.EUSERS):
            raise
        return warning(f"a user namespace cannot be made: {os.strerror(error.errno)}")
    return ok("made one")


def namespaces(_: Host) -> Verdict:
    refused = {}
    for name, flag in _FLOOR.items():
        try:
            unshare(flag)
        except OSError as error:
            if error.errno == errno.EPERM:
                raise
            refused[name] = os.strerror(error.errno or 0)
    if refused:
        return wrong("cannot be made: " + ", ".join(f"{name} ({why})" for name, why in refused.items()))
    return ok(f"made one each: {', '.join(_FLOOR)}")


# --- Landlock (linux/landlock.h) --------------------------------------------------------------------------------------

_VERSION, _ERRATA = 1, 2
_READ_FILE = 1 << 2
_KNOWN_ERRATA = {
    1: (4, "TCP sockets told from others"),
    2: (6, "signals within one process"),
    3: (1, "moved directories"),
}
"""Number → the ABI that has what it repairs, and what that is (kernel documentation, userspace-api/landlock)."""


_SINCE = {2: "renaming across directories", 3: "truncation", 4: "TCP", 5: "devices", 6: "abstract sockets and signals"}
"""The ABI → what of a plugin's domain it is the first to hold."""


def landlock(_: Host) -> Verdict:
    abi = _landlock_abi()
    if abi is None:
        return warning("this kernel has no Landlock, or it was not switched on (lsm=)")
    rules = struct.pack("=Q", _READ_FILE)
    with opened(syscall(_NUMBERS["landlock_create_ruleset"], rules, len(rules), 0)) as ruleset:
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        syscall(_NUMBERS["landlock_restrict_self"], ruleset, 0)
    with contextlib.suppress(PermissionError), open("/proc/self/status"):
        return wrong(f"ABI {abi}: a file was opened in spite of a rule against it")
    if missing := ", ".join(what for since, what in _SINCE.items() if abi < since):
        return warning(f"ABI {abi} of this kernel has no rules for {missing}")
    return ok(f"ABI {abi}: a rule was loaded and kept a file shut")


def landlock_errata(_: Host) -> Verdict:
    abi = _landlock_abi()
    if abi is None:
        return warning("this kernel has no Landlock")
    try:
        repaired = syscall(_NUMBERS["landlock_create_ruleset"], None, 0, _ERRATA)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return warning(f"ABI {abi}: this kernel does not tell which errors it has repaired")
    left = [
        text for number, (since, text) in _KNOWN_ERRATA.items() if abi >= since and not repaired >> (number - 1) & 1
    ]
    return (
        warning(f"ABI {abi}, not repaired: {', '.join(left)}")
        if left
        else ok(f"ABI {abi}: all known ones are repaired")
    )


def _landlock_abi() -> int | None:
    try:
        return syscall(_NUMBERS["landlock_create_ruleset"], None, 0, _VERSION)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise


def own_networks(_: Host) -> Verdict:
    try:
        unshare(_FLOOR["network"])
        left.try_out()
    except OSError as error:
        if error.errno == errno.EPERM:
            raise
        return warning(f"this kernel cannot: {error.filename or 'a network namespace'}: {error.strerror}")
    return ok("made a veth and both its tables of rules, where nobody is")


def own_networks_rules(host: Host) -> Verdict:
    links = left.links(host.chosen.network_range)
    if not links:
        return ok("no plugin has one")
    if left.has_table(host.chosen.network_range):
        return ok(f"the rules for {len(links)} stand")
    return wrong(f"somebody took the host's rules away: {', '.join(links)} are held by those at their other ends alone")


# --- memory -----------------------------------------------------------------------------------------------------------


def mdwe(_: Host) -> Verdict:
    try:
        prctl(_PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return warning("this kernel (before 6.3) has no MDWE")
    with contextlib.suppress(PermissionError):
        mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
        return wrong("memory was mapped writable and executable in spite of it")
    return ok("memory that was both writable and executable was refused")


# --- system calls (linux/seccomp.h, linux/filter.h) -------------------------------------------------------------------

_SET_FILTER, _ACTION_AVAIL = 1, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _LOG, _REFUSE = 0x7FFF0000, 0x7FFC0000, 0x00050000 | errno.ENOTNAM
LOGGED = Path("/proc/sys/kernel/seccomp/actions_logged")


def seccomp(_: Host) -> Verdict:
    rows = ((_LOAD, 0, 0, 0), (_EQUAL, 0, 1, _NUMBERS["getpgid"]), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW))
    code = array.array("B", b"".join(struct.pack("=HBBI", *row) for row in rows))
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    try:
        syscall(_NUMBERS["seccomp"], _SET_FILTER, 0, struct.pack("@HP", len(rows), code.buffer_info()[0]))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return wrong(f"no filter can be loaded: {os.strerror(error.errno or 0)}")
    try:
        os.getpgid(0)
    except OSError as error:
        return ok("a filter was loaded and refused a call") if error.errno == errno.ENOTNAM else wrong(str(error))
    return wrong("a call was made in spite of a filter against it")


def seccomp_log(_: Host) -> Verdict:
    try:
        syscall(_NUMBERS["seccomp"], _ACTION_AVAIL, 0, struct.pack("=I", _LOG))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return warning("this kernel has no seccomp action that logs")
    logged = LOGGED.read_text().split()
    if "kill_process" not in logged:
        return warning(f"{LOGGED} leaves out: kill_process")
    return ok("whom a filter ends is logged")


# --- mounts -----------------------------------------------------------------------------------------------------------


def idmapped_mounts(host: Host) -> Verdict:
    place = existing(host.layout.state / "data")
    with opened(mount.open_tree(mount.AT_FDCWD, str(place), mount.OPEN_TREE_CLONE)) as tree, opened(_mapped()) as users:
        try:
            mount.mount_setattr(tree, set_=mount.MOUNT_ATTR_IDMAP, propagation=mount.MS_PRIVATE, users=users)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            return warning(f"the file system of {place} cannot do it")
    return ok(f"{place} was mounted for another uid")


def existing(place: Path) -> Path:
    """`place`, or what of the way to it is there."""
    return next(path for path in (place, *place.parents) if path.exists())


def _mapped() -> int:
    """A user namespace with one id mapped, held by nobody but its descriptor."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        _hold(told)
    try:
        if os.read(ready, 1) != b"y":
            raise OSError(errno.ENOSPC, "cannot make a user namespace")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text("0 1 1")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        pidfd.kill(child)
        os.waitpid(child, 0)


def _hold(told: int) -> None:
    try:
        unshare(_NEWUSER)
        os.write(told, b"y")
        signal.pause()
    except OSError:
        os.write(told, b"n")
    finally:
        os._exit(0)


# --- the kernel's own audit (linux/audit.h) ---------------------------------------------------------------------------

_NETLINK_AUDIT, AUDIT_GET, _REQUEST = 9, 1000, 1


def audit(_: Host) -> Verdict:
    try:
        return audit_says(_ask_audit())
    except OSError as error:
        if error.errno not in (errno.ECONNREFUSED, errno.EPROTONOSUPPORT):
            raise
        return warning("this kernel has no audit")


def audit_says(answer: bytes) -> Verdict:
    """nlmsghdr, then audit_status, whose second word is `enabled`; or an error's number."""
    _, kind, _, _, _, first, enabled = struct.unpack_from("=IHHIIII", answer)
    if kind != AUDIT_GET:
        raise OSError(-struct.unpack("=i", struct.pack("=I", first))[0], "the kernel would not say")
    return ok("it is on") if enabled else warning("it is switched off")


def _ask_audit() -> bytes:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_AUDIT) as end:
        end.send(struct.pack("=IHHII", 16, AUDIT_GET, _REQUEST, 1, 0))
        return end.recv(4096)


CHECKS = (
    Check(
        "user-namespaces",
        "user namespaces can be made",
        "plugins run under a uid of the host's own, one wall less between them and root",
        "Each generation of instances has its own; in it, not even root of the zygote is somebody on the host.",
        user_namespaces,
        protection=True,
    ),
    Check(
        "namespaces",
        "mount, cgroup, uts, ipc, pid and network namespaces can be made",
        "no plugin can be started: these belong to the floor that is never negotiable",
        "An instance sees its own files, processes and network, and nothing of the host's.",
        namespaces,
    ),
    Check(
        "landlock",
        "Landlock can be loaded and holds",
        "what it does not hold is held by mounts, namespaces and the system call filter alone",
        "A second lock behind the mounts, which even a mistake in them does not open.",
        landlock,
        protection=True,
    ),
    Check(
        "landlock-errata",
        "the kernel has repaired what is known of Landlock's errors",
        "some rules of Landlock hold less than they say; the other walls stand",
        "The kernel tells which errata it has repaired since Linux 6.15.",
        landlock_errata,
    ),
    Check(
        "own-networks",
        "a plugin can be given a network of its own",
        "plugins that ask for listen or udp are refused when they start; connections that exod makes are not concerned",
        "It takes veth and nf_tables with conntrack, connlimit and masquerading, here tried in an empty namespace.",
        own_networks,
        protection=True,
    ),
    Check(
        "own-networks-rules",
        "the host's rules for plugins' own networks stand",
        "one of the two locks of each such network is open: a plugin is held by the rules in its own namespace alone",
        "Whoever flushes nftables takes exod's rules too. They are written anew when such a plugin starts or stops.",
        own_networks_rules,
        protection=True,
    ),
    Check(
        "seccomp",
        "system call filters can be loaded and hold",
        "no plugin can be started: the filter belongs to the floor that is never negotiable",
        "Most ways out of a sandbox begin with a system call that a plugin never needs.",
        seccomp,
    ),
    Check(
        "seccomp-log",
        "the kernel logs whom a filter ends",
        "that a filter ended a plugin, and for which call, is not in the kernel's log; that it did is in exod's audit",
        "exod's filters ask for no more: whoever is refused calls without end would fill what all of the host shares.",
        seccomp_log,
        protection=True,
    ),
    Check(
        "kernel-audit",
        "kernel audit is on",
        "what Landlock refuses a plugin is recorded nowhere; what ends it, and what exod refuses, is in exod's audit",
        "exod writes its own audit log in any case and reads no other; Landlock tells the kernel's, from 6.15 on.",
        audit,
        protection=True,
    ),
    Check(
        "mdwe",
        "memory-deny-write-execute can be switched on",
        "the filter alone keeps plugins from writing machine code and running it",
        "prctl(PR_SET_MDWE), since Linux 6.3, also covers what no filter on mmap sees.",
        mdwe,
        protection=True,
    ),
    Check(
        "idmapped-mounts",
        "plugins' data can be mounted for another uid",
        "plugins with data of their own are refused",
        "On disk all data belongs to one uid; an instance sees it as its own, and no file outlives a uid's use.",
        idmapped_mounts,
        protection=True,
    ),
)
