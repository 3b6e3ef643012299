"""What an instance may reach: a closed list, and a refusal by name for everything else."""

import ast
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exod.errors import Refusal
from exod.package.manifest import Entry, Platform
from exod.package.permissions import FileAccess, Permissions
from exod.package.services import Method, Service
from exod.plan.confine import LAYERS, Confinement, Layer, confine, taken
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


def test_an_ordinary_file_outside_the_closed_roots_is_granted() -> None:
    found = confined(permissions=reading("/etc/os-release"))
    assert isinstance(found, Confinement)
    assert found.files == ("/etc/os-release",)


@pytest.mark.parametrize(
    ("permissions", "name"),
    [
        (Permissions(hardware=("usb:0403:6001",)), "hardware"),
        (Permissions(ai=("infer",)), "ai"),
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


@pytest.mark.parametrize("kind", ["wasm", "elf"])
def test_other_runtimes_are_refused_by_name(kind: str) -> None:
    found = refused(entry=Entry(kind, "code/main"))
    assert (found.code, kind in found.sentence) == ("permission-not-built", True)


@pytest.mark.parametrize(
    ("platform", "word"),
    [
        (Platform(arch=("aarch64",)), "aarch64"),
        (Platform(kernel="7.0"), "7.0"),
        (Platform(kernel=">=6.1,<6.2"), "6.18"),
        (Platform(kernel="> nonsense"), "nonsense"),
        (Platform(features=("tpm",)), "tpm"),
    ],
)
def test_another_platform_is_refused_with_what_differs(platform: Platform, word: str) -> None:
    found = refused(platform=platform)
    assert (found.code, word in found.sentence) == ("wrong-platform", True)


def test_this_platform_is_accepted() -> None:
    platform = Platform(arch=("x86_64", "aarch64"), kernel="6.1")
    assert isinstance(confined(platform=platform), Confinement)


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("granted", [False, True])
def test_critical_is_asked_for_by_the_package_and_granted_by_the_host(asked: bool, granted: bool) -> None:
    found = confined(Policy(critical=granted), critical=asked)
    assert isinstance(found, Confinement)
    assert found.critical is (asked and granted)


def granted(policy: Policy, **permissions: Any) -> Confinement:
    found = confined(policy, permissions=Permissions(**permissions))
    assert isinstance(found, Confinement)
    return found


def test_what_policy_does_not_grant_is_left_out() -> None:
    asked = reading("/proc/meminfo", "/proc/stat").filesystem
    found = granted(Policy(files=("/proc/stat",)), filesystem=asked)
    assert (found.files, found.permissions) == (("/proc/stat",), {"filesystem": ("read-only:/proc/stat",)})


def test_a_custom_permission_is_a_name_that_others_ask_for() -> None:
    assert granted(Policy(), custom=("gpu", "fast")).permissions == {"custom": ("gpu", "fast")}


def test_policy_may_grant_reading_alone() -> None:
    policy = Policy(files=("read-only:/srv/a",))
    assert granted(policy, filesystem=reading("/srv/a").filesystem).files == ("/srv/a",)
    assert granted(policy, filesystem=reading("/srv/a", mode="read-write").filesystem).writable == ()


def test_machine_code_is_granted_to_whoever_asks_and_is_not_denied_it() -> None:
    assert granted(Policy(), native=True).permissions == {"native": ("true",)}
    assert granted(Policy(deny=("native",)), native=True).permissions == {}


def test_what_policy_denies_is_left_out_whether_or_not_it_is_built() -> None:
    policy = Policy(deny=("filesystem", "network", "processes"))
    asked: dict[str, Any] = {"filesystem": reading("/proc/stat").filesystem, "network": ("tcp:a.org:1",)}
    assert granted(policy, **asked, processes=True).permissions == {}


SERVICE = Service("greet", "org.example.Greet1", "any", (Method("Hello"), Method("Bye")))


@pytest.mark.parametrize(
    ("acl", "service", "hello", "bye"),
    [
        ({}, "any", "any", "any"),
        ({"greet": "uid:5"}, "uid:5", "uid:5", "uid:5"),
        ({"greet.Hello": "group:staff"}, "any", "group:staff", "any"),
        ({"greet": "uid:5", "greet.Bye": "root"}, "uid:5", "uid:5", "uid:5 & root"),
        ({"greet": "uid:5", "greet.Bye": "any"}, "uid:5", "uid:5", "uid:5"),
    ],
)
def test_an_acl_only_narrows(acl: dict[str, str], service: str, hello: str, bye: str) -> None:
    found = confined(Policy(acl=acl), services=(SERVICE,))
    assert isinstance(found, Confinement)
    (narrowed,) = found.services
    assert (narrowed.access, [one.access or narrowed.access for one in narrowed.methods]) == (service, [hello, bye])


def test_an_acl_never_opens_what_the_package_closed() -> None:
    found = confined(Policy(acl={"greet": "any"}), services=(replace(SERVICE, access="root"),))
    assert isinstance(found, Confinement)
    assert found.services[0].access == "root"


@pytest.mark.parametrize("subject", ["great", "greet.Helo", "Hello", "org.example.Greet1"])
def test_an_acl_of_what_is_not_offered_is_refused(subject: str) -> None:
    assert refused(Policy(acl={subject: "root"}), services=(SERVICE,)).code == "acl-of-nothing"


def test_taken_is_what_was_held_and_is_not_any_more() -> None:
    before = {"filesystem": ("a", "b"), "custom": ("x",), "network": ("n",)}
    assert taken(before, {"filesystem": ("b", "c"), "custom": ("x",)}) == {"filesystem": ("a",), "network": ("n",)}
    assert taken(before, before) == {}


PATHS = st.sampled_from(["/proc/stat", "/proc/meminfo", "/etc/os-release", "/etc/shadow"])
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
