"""What an instance may reach: a closed list, and a refusal by name for everything else."""

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exod.errors import Refusal
from exod.package.manifest import Entry, Platform
from exod.package.permissions import FileAccess, Permissions
from exod.plan.confine import LAYERS, OPEN_FILES, Confinement, Layer, confine
from exod.plan.policy import CAPABILITIES, Policy
from tests.exod.plan.samples import HOST, VERDICT, manifest
from tests.shape import tree


def confined(policy: Policy = Policy(), **changes: Any) -> Confinement | Refusal:  # noqa: B008 - frozen
    return confine(manifest(**changes), verdict=VERDICT, policy=policy, config={"word": "x"}, host=HOST)


def refused(policy: Policy = Policy(), **changes: Any) -> Refusal:  # noqa: B008 - frozen
    found = confined(policy, **changes)
    assert isinstance(found, Refusal)
    return found


def reading(*paths: str, mode: str = "read-only") -> Permissions:
    return Permissions(filesystem=tuple(FileAccess(mode, path) for path in paths))


def test_a_modest_package_gets_what_its_verdict_and_manifest_say() -> None:
    found = confined()
    assert isinstance(found, Confinement)
    assert (found.digest, found.signer, found.level) == (VERDICT.digest, VERDICT.signer, VERDICT.level)
    assert (found.entry, found.files, found.config) == ("hello:Hello", (), {"word": "x"})


@pytest.mark.parametrize("path", sorted(OPEN_FILES))
def test_each_file_of_the_closed_list_is_granted(path: str) -> None:
    found = confined(permissions=reading(path))
    assert isinstance(found, Confinement)
    assert found.files == (path,)
    assert found.permissions == {"filesystem": (f"read-only:{path}",)}


def test_an_ordinary_file_outside_the_closed_roots_is_granted() -> None:
    found = confined(permissions=reading("/etc/os-release"))
    assert isinstance(found, Confinement)
    assert found.files == ("/etc/os-release",)


@pytest.mark.parametrize(
    "path",
    [
        "/proc/1/environ",
        "/proc/self/mem",
        "/proc",
        "/proc/net/dev",
        "/sys/kernel/debug",
        "/dev/mem",
        "/run/dbus/system_bus_socket",
        "/var/run/docker.sock",
        "/boot/vmlinuz",
        "/etc/exod/trust.d/a.toml",
        "/var/lib/exod/trust/state.json",
        "/etc/shadow",
        "/etc/shadow-",
        "/etc/gshadow",
        "/",
        "/etc/",
        "/etc/../etc/shadow",
        "/etc//passwd",
        "etc/passwd",
    ],
)
def test_a_closed_or_crooked_path_is_refused_whatever_the_ceiling(path: str) -> None:
    assert refused(permissions=reading(path)).code == "permission-refused"


@pytest.mark.parametrize(
    ("permissions", "name"),
    [
        (Permissions(network=("tcp:example.org:443",)), "network"),
        (Permissions(ipc=("echo",)), "ipc"),
        (Permissions(hardware=("usb:0403:6001",)), "hardware"),
        (Permissions(processes=True), "processes"),
        (Permissions(ai=("infer",)), "ai"),
        (Permissions(config=("hostname",)), "config"),
        (Permissions(custom=("x",)), "custom"),
        (Permissions(native=True), "native"),
        (Permissions(strict=False), "a sandbox that is not strict"),
    ],
)
def test_a_permission_that_cannot_be_enforced_yet_is_refused_by_name(permissions: Permissions, name: str) -> None:
    found = refused(permissions=permissions)
    assert found.code == "permission-not-built"
    assert found.sentence == f"cannot load hello 1.0.0: it asks for {name}, which this exod cannot enforce yet"


def test_what_is_read_and_what_is_written_are_told_apart() -> None:
    asked = (FileAccess("read-only", "/srv/a"), FileAccess("read-write", "/srv/b"))
    found = confined(permissions=Permissions(filesystem=asked))
    assert isinstance(found, Confinement)
    assert (found.files, found.writable) == (("/srv/a",), ("/srv/b",))


def test_a_figure_of_the_host_is_only_ever_read() -> None:
    found = refused(permissions=reading("/proc/stat", mode="read-write"))
    assert (found.code, "only ever read" in found.sentence) == ("permission-refused", True)


@pytest.mark.parametrize("path", ["/etc", "/var", "/var/lib"])
def test_what_holds_a_closed_place_is_refused(path: str) -> None:
    assert refused(permissions=reading(path)).code == "permission-refused"


@pytest.mark.parametrize("modes", [("read-only", "read-only"), ("read-only", "read-write")])
@pytest.mark.parametrize("paths", [("/srv", "/srv/a"), ("/srv/a/b", "/srv/a"), ("/srv/a", "/srv/a")])
def test_one_grant_inside_another_is_refused(paths: tuple[str, str], modes: tuple[str, str]) -> None:
    asked = tuple(FileAccess(mode, path) for mode, path in zip(modes, paths, strict=True))
    found = refused(permissions=Permissions(filesystem=asked))
    assert (found.code, "holds the other" in found.sentence) == ("permission-refused", True)


def test_neighbours_with_a_common_beginning_are_not_inside_each_other() -> None:
    assert isinstance(confined(permissions=reading("/srv/a", "/srv/ab")), Confinement)


@pytest.mark.parametrize("kind", ["wasm", "elf"])
def test_other_runtimes_are_refused_by_name(kind: str) -> None:
    found = refused(entry=Entry(kind, "code/main"))
    assert (found.code, kind in found.sentence) == ("permission-not-built", True)


def test_a_newer_api_is_refused() -> None:
    assert refused(api=99).code == "api-too-new"


@pytest.mark.parametrize(
    ("platform", "word"),
    [
        (Platform(arch=("aarch64",)), "aarch64"),
        (Platform(kernel="7.0"), "7.0"),
        (Platform(kernel=">=6.1,<6.2"), "6.18"),
        (Platform(kernel="> nonsense"), "nonsense"),
        (Platform(features=("cgroup-v2", "tpm")), "tpm"),
    ],
)
def test_another_platform_is_refused_with_what_differs(platform: Platform, word: str) -> None:
    found = refused(platform=platform)
    assert (found.code, word in found.sentence) == ("wrong-platform", True)


def test_this_platform_is_accepted() -> None:
    platform = Platform(arch=("x86_64", "aarch64"), kernel="6.1", features=("cgroup-v2",))
    assert isinstance(confined(platform=platform), Confinement)


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("granted", [False, True])
def test_critical_is_asked_for_by_the_package_and_granted_by_the_host(asked: bool, granted: bool) -> None:
    found = confined(Policy(critical=granted), critical=asked)
    assert isinstance(found, Confinement)
    assert found.critical is (asked and granted)


def test_policy_takes_a_file_away() -> None:
    found = refused(Policy(files=("/proc/stat",)), permissions=reading("/proc/meminfo"))
    assert (found.code, "plugins.d/hello.toml" in found.sentence) == ("permission-denied", True)
    assert isinstance(confined(Policy(files=("/proc/stat",)), permissions=reading("/proc/stat")), Confinement)


def test_policy_may_grant_reading_alone() -> None:
    policy = Policy(files=("read-only:/srv/a",))
    assert isinstance(confined(policy, permissions=reading("/srv/a")), Confinement)
    assert refused(policy, permissions=reading("/srv/a", mode="read-write")).code == "permission-denied"


def test_policy_denies_a_capability() -> None:
    assert refused(Policy(deny=("filesystem",)), permissions=reading("/proc/stat")).code == "permission-denied"


def test_policy_never_opens_what_is_closed() -> None:
    assert refused(Policy(files=("/etc/shadow",)), permissions=reading("/etc/shadow")).code == "permission-refused"


PATHS = st.sampled_from([*sorted(OPEN_FILES), "/etc/os-release", "/etc/shadow"])
POLICIES = st.builds(
    Policy,
    critical=st.booleans(),
    deferred=st.booleans(),
    stop_revoked=st.booleans(),
    files=st.none() | st.tuples(PATHS, PATHS),
    deny=st.lists(st.sampled_from(CAPABILITIES), max_size=3).map(tuple),
)
ASKED = st.builds(
    Permissions,
    filesystem=st.lists(st.builds(FileAccess, st.sampled_from(["read-only", "read-write"]), PATHS)).map(tuple),
    custom=st.lists(st.sampled_from([layer.name.lower() for layer in Layer]), max_size=2).map(tuple),
    native=st.booleans(),
    processes=st.booleans(),
    strict=st.booleans(),
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(policy=POLICIES, permissions=ASKED, critical=st.booleans(), kind=st.sampled_from(["python", "wasm", "elf"]))
def test_nothing_a_manifest_or_a_policy_says_takes_a_layer_away(
    policy: Policy, permissions: Permissions, critical: bool, kind: str
) -> None:
    entry = Entry(kind, "hello:Hello")
    found = confined(policy, permissions=permissions, critical=critical, entry=entry)
    assert isinstance(found, Refusal) or found.layers == LAYERS == frozenset(Layer)


def test_nowhere_in_exod_is_a_confinement_made_with_other_layers_than_all() -> None:
    calls = [
        (path, node)
        for path in tree.sources("exod", "exoctl", "exosdk")
        for node in ast.walk(tree.syntax(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
        if (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) in {"Confinement", "replace"}
    ]
    made = [path for path, node in calls if isinstance(node.func, ast.Name) and node.func.id == "Confinement"]
    assert [str(path) for path in made] == ["exod/plan/confine.py"]
    assert [path for path, node in calls if any(word.arg == "layers" for word in node.keywords)] == []
