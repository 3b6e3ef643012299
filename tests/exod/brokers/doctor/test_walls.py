"""Each wall is found standing here, and lacking where the kernel is made to refuse it."""

import errno
import os
import struct
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from exod.brokers.doctor import walls
from exod.brokers.doctor.check import Level
from exod.brokers.network.own import rules
from exod.brokers.network.own.steps import Wires
from exod.linux.syscall import mount, unshare
from tests.exod.brokers.doctor.broken import NEWUSER, apart, cover, found, host, level, refuse
from tests.exod.brokers.network.own import apart as networks
from tests.exod.sandbox.rig import confinement


@pytest.mark.parametrize("id_", ["user-namespaces", "namespaces", "seccomp", "idmapped-mounts", "own-networks"])
def test_what_every_supported_host_has_is_found(id_: str, tmp_path: Path) -> None:
    assert level(id_, host(tmp_path)) == "ok"


@pytest.mark.parametrize(
    ("id_", "call", "error", "expected"),
    [
        ("landlock", "landlock_create_ruleset", errno.ENOSYS, "warning"),
        ("landlock", "landlock_create_ruleset", errno.EOPNOTSUPP, "warning"),
        ("landlock", "landlock_create_ruleset", errno.EPERM, "unknown"),
        ("landlock-errata", "landlock_create_ruleset", errno.ENOSYS, "warning"),
        ("mdwe", "prctl", errno.EINVAL, "warning"),
        ("seccomp", "seccomp", errno.ENOSYS, "wrong"),
        ("seccomp-log", "seccomp", errno.EOPNOTSUPP, "warning"),
        ("user-namespaces", "unshare", errno.ENOSPC, "warning"),
        ("user-namespaces", "unshare", errno.EPERM, "unknown"),
        ("namespaces", "unshare", errno.EINVAL, "wrong"),
        ("namespaces", "unshare", errno.EPERM, "unknown"),
        ("own-networks", "unshare", errno.EINVAL, "warning"),
        ("own-networks", "unshare", errno.EPERM, "unknown"),
        ("own-networks", "socket", errno.EPROTONOSUPPORT, "warning"),
        ("idmapped-mounts", "mount_setattr", errno.EINVAL, "warning"),
        ("idmapped-mounts", "mount_setattr", errno.EPERM, "unknown"),
        ("kernel-audit", "socket", errno.EPROTONOSUPPORT, "warning"),
        ("kernel-audit", "socket", errno.EPERM, "unknown"),
    ],
)
def test_a_wall_that_the_kernel_refuses_is_lacking_and_a_look_that_is_forbidden_says_nothing(
    id_: str, call: str, error: int, expected: str, tmp_path: Path
) -> None:
    at = host(tmp_path)

    def look() -> str:
        argument, value = (0, 65) if call == "prctl" else (-1, 0)
        refuse(call, error, argument=argument, value=value)
        return level(id_, at)

    assert apart(look) == expected


@pytest.mark.parametrize(
    ("kind", "id_", "expected"), [("user", "user-namespaces", "warning"), ("net", "namespaces", "wrong")]
)
def test_a_limit_of_none_is_a_lack_until_it_is_lifted(kind: str, id_: str, expected: str, tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[str]:
        unshare(NEWUSER)  # its limits are its own
        Path("/proc/self/setgroups").write_text("deny")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/self/{name}").write_text("0 0 1")
        limit = Path(f"/proc/sys/user/max_{kind}_namespaces")
        seen = []
        for text in ("0", "100"):
            limit.write_text(text)
            seen.append(level(id_, at))
        return seen

    assert apart(look) == [expected, "ok"]


def test_a_rule_that_does_not_hold_is_wrong(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> tuple[str, str]:
        refuse("landlock_restrict_self", 0)
        return found("landlock", at)

    verdict, words = apart(look)
    assert (verdict, "in spite of a rule" in words) == ("wrong", True)


def test_what_a_younger_kernel_would_hold_is_named(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look(abi: int) -> tuple[str, str]:
        walls._landlock_abi = lambda: abi
        return found("landlock", at)

    words = {abi: apart(partial(look, abi)) for abi in (2, 5, 6)}
    assert [words[abi][0] for abi in words] == ["warning", "warning", "ok"]
    assert "truncation, TCP, devices, abstract sockets and signals" in words[2][1]
    assert words[5][1].endswith("no rules for abstract sockets and signals")


def test_memory_that_is_executable_in_spite_of_it_is_wrong(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> str:
        refuse("prctl", 0, argument=0, value=65)
        return level("mdwe", at)

    assert apart(look) == "wrong"


def test_a_filter_that_does_not_hold_is_wrong(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> str:
        refuse("seccomp", 0)
        return level("seccomp", at)

    assert apart(look) == "wrong"


def test_errors_that_a_kernel_has_not_repaired_are_named(tmp_path: Path) -> None:
    at = host(tmp_path)

    def unrepaired() -> str:
        refuse("landlock_create_ruleset", 0, argument=2, value=walls._ERRATA)
        return found("landlock-errata", at)[1]

    def silent() -> str:
        refuse("landlock_create_ruleset", errno.EINVAL, argument=2, value=walls._ERRATA)
        return found("landlock-errata", at)[1]

    if level("landlock", at) == "ok":
        assert "moved directories" in apart(unrepaired)
        assert "does not tell" in apart(silent)


def test_a_kernel_that_logs_nobody_whom_a_filter_ends_is_named(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[tuple[str, str]]:
        logged = cover(str(walls.LOGGED), "errno log")
        broken = found("seccomp-log", at)
        logged.write_text("kill_process")
        return [broken, found("seccomp-log", at)]

    broken, healed = apart(look)
    assert broken == ["warning", f"{walls.LOGGED} leaves out: kill_process"]
    assert healed[0] == "ok"


def test_the_kernels_audit_is_on_off_or_not_to_be_asked() -> None:
    def answer(kind: int, first: int, enabled: int) -> bytes:
        return struct.pack("=IHHIIII", 24, kind, 0, 1, 0, first, enabled)

    assert walls.audit_says(answer(walls.AUDIT_GET, 0, 1)).level is Level.OK
    assert walls.audit_says(answer(walls.AUDIT_GET, 0, 0)).level is Level.WARNING
    with pytest.raises(PermissionError):
        walls.audit_says(answer(2, (-errno.EPERM) & 0xFFFFFFFF, 0))


def test_a_file_system_without_idmapped_mounts_is_named(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[str]:
        mount("none", str(tmp_path / "lib"), "ramfs", 0, None)
        broken = level("idmapped-mounts", at)
        os.system(f"umount {tmp_path}/lib")
        return [broken, level("idmapped-mounts", at)]

    assert apart(look) == ["warning", "ok"]


async def test_rules_of_plugins_own_networks_that_somebody_flushed_are_missed(tmp_path: Path) -> None:
    at = host(tmp_path)
    with networks.place() as network:
        assert found("own-networks-rules", at) == ("ok", "no plugin has one")
        await Wires(at.chosen).connect(1, confinement(permissions={"network": ("listen:tcp:8080",)}), network.space())
        assert found("own-networks-rules", at) == ("ok", "the rules for 1 stand")
        networks.drop_table(rules.table(IPv4Network(at.chosen.network_range)))
        assert found("own-networks-rules", at)[0] == "wrong"
