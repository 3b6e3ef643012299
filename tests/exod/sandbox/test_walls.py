"""The outside check: what is wrong with a process that is no instance, one thing at a time."""

import dataclasses
import os
from collections.abc import Iterator

import pytest

from exod.errors import Refused
from exod.linux import procfs
from exod.plan.confine import LAYERS, Layer
from exod.sandbox import walls
from exod.sandbox.walls import Expected

ZERO = "0000000000000000"
GOOD = {
    "Uid": "7\t7\t7\t7", "Gid": "7\t7\t7\t7", "Groups": "", "PPid": "42", "NSpid": "900\t1", "Seccomp": "2",
    "NoNewPrivs": "1", "CapInh": ZERO, "CapPrm": ZERO, "CapEff": ZERO, "CapBnd": ZERO, "CapAmb": ZERO,
    "Seccomp_filters": "5",
}  # fmt: skip


@pytest.fixture
def expected() -> Iterator[Expected]:
    descriptor = os.pidfd_open(os.getpid())
    os.set_blocking(descriptor, False)
    yield Expected(900, descriptor, uid=7, keeper=42, group="/x/instances/i-1", network=1004, filters=4)
    os.close(descriptor)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What /proc says of the instance; each test makes one thing wrong."""
    walls._host.cache_clear()
    facts: dict[str, object] = {"status": dict(GOOD), "group": "/x/instances/i-1"}
    facts["spaces"] = {kind: 1000 + i for i, kind in enumerate(procfs.NAMESPACES, start=1)}
    facts["spaces"] |= {"net": 1004}  # type: ignore[operator]
    host = dict.fromkeys(procfs.NAMESPACES, 1)
    monkeypatch.setattr(procfs, "status", lambda _: facts["status"])
    monkeypatch.setattr(procfs, "cgroup", lambda _: facts["group"])
    monkeypatch.setattr(procfs, "namespaces", lambda pid: host if pid == "self" else facts["spaces"])
    yield facts
    walls._host.cache_clear()


def test_an_instance_with_all_its_walls_is_described(seen: dict[str, object], expected: Expected) -> None:
    found = walls.inspect(1, expected)
    assert found["pid"] == "900"
    assert found["ns_net"] == "1004"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_each_fact_is_needed(seen: dict[str, dict[str, str]], expected: Expected, name: str) -> None:
    seen["status"][name] = "3"
    with pytest.raises(Refused) as refused:
        walls.inspect(1, expected)
    assert set(refused.value.refusal.evidence) == {name}
    del seen["status"][name]
    with pytest.raises(Refused, match=name):
        walls.inspect(1, expected)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_fact_is_forgiven_only_where_its_layer_is_left_out(
    seen: dict[str, dict[str, str]], expected: Expected, name: str
) -> None:
    seen["status"][name] = "3"
    holds = {layer for layer, proofs in walls._PROOFS.items() if name in proofs}
    for layer in Layer:
        without = dataclasses.replace(expected, layers=LAYERS - {layer})
        if layer in holds:
            walls.inspect(1, without)
        else:
            with pytest.raises(Refused, match=name):
                walls.inspect(1, without)


@pytest.mark.parametrize("kind", procfs.NAMESPACES)
def test_a_namespace_of_the_host_is_refused(seen: dict[str, dict[str, int]], expected: Expected, kind: str) -> None:
    seen["spaces"][kind] = 1
    with pytest.raises(Refused, match=f"namespace {kind}"):
        walls.inspect(1, expected)


def test_another_network_namespace_than_the_given_is_refused(
    seen: dict[str, dict[str, int]], expected: Expected
) -> None:
    seen["spaces"]["net"] = 77
    with pytest.raises(Refused, match="not the one it was given"):
        walls.inspect(1, expected)


def test_another_group_is_refused(seen: dict[str, object], expected: Expected) -> None:
    seen["group"] = "/"
    with pytest.raises(Refused, match="cgroup is /"):
        walls.inspect(1, expected)


def test_a_process_that_ended_is_refused(seen: dict[str, object]) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    descriptor = os.pidfd_open(pid)
    os.waitpid(pid, 0)
    with pytest.raises(Refused, match="process is ended"):
        walls.inspect(1, Expected(900, descriptor, 7, 42, "/x/instances/i-1", 1004))
    os.close(descriptor)


def test_a_process_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be read"):
        walls.inspect(1, Expected(1 << 22, -1, 7, 42, "", 0))


def test_the_tests_themselves_are_no_instance() -> None:
    descriptor = os.pidfd_open(os.getpid())
    with pytest.raises(Refused) as refused:
        walls.inspect(1, Expected(os.getpid(), descriptor, 7, 42, "/x", 1))
    os.close(descriptor)
    assert {"Seccomp", "Uid", "CapEff", "namespace user", "cgroup"} <= set(refused.value.refusal.evidence)
