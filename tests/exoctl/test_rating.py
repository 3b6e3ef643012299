"""How much a plugin reaches: the number, the reasons, and a line that does raise it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exoctl import reach
from exoctl.rating import BEST, WORST, rate
from exod.package.permissions import FileAccess, Permissions
from exod.package.services import Method, Service
from exod.plan import policy
from exod.plan.confine import Confinement, confine
from exod.plan.policy import Policy
from tests.exod.plan.samples import HOST, VERDICT, manifest


def confined(rules: Policy, **asked: Any) -> Confinement:
    found = confine(manifest(**asked), verdict=VERDICT, policy=rules, config={}, host=HOST)
    assert isinstance(found, Confinement)
    return found


def number(**permissions: tuple[str, ...]) -> int:
    return rate(permissions, {}).number


def test_what_reaches_nothing_is_the_best_and_nothing_raises_it() -> None:
    rating = rate({}, {"hello": "root"})
    assert (rating.number, rating.reasons, rating.line) == (BEST, (), "")


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ({"filesystem": ("read-only:/proc/stat",)}, 8),
        ({"custom": ("gpu",)}, 8),
        ({"filesystem": ("read-only:/srv/a",)}, 7),
        ({"filesystem": ("read-write:/srv/a",)}, 6),
        ({"filesystem": ("read-only:/srv/a", "read-write:/srv/b")}, 5),
        ({"config": ("read:system.hostname",)}, 7),
        ({"config": ("write:echo.volume",)}, 6),
        ({"network": ("tcp:a.org:1",)}, 6),
        ({"native": ("true",), "network": ("tcp:a.org:1",), "hardware": ("usb:1:2",), "processes": ("true",)}, 1),
    ],
)
def test_each_reach_has_its_cost(permissions: dict[str, tuple[str, ...]], expected: int) -> None:
    assert number(**permissions) == expected


def test_a_service_for_everybody_costs_and_a_method_that_a_host_narrowed_does_not() -> None:
    assert rate({}, {"hello": "any"}).number == 7
    assert rate({}, {"hello": "any", "hello.Greet": "root"}).line == 'acl = {"hello" = "root"}'
    assert rate({}, {"hello": "any & uid:5"}).number == 8


def test_what_is_written_is_taken_away_before_what_is_read() -> None:
    rating = rate({"filesystem": ("read-only:/srv/a", "read-write:/srv/b")}, {})
    assert rating.line == 'files = ["read-only:/srv/a"]'


PATHS = ["/srv/a", "/srv/b", '/srv/"c', "/proc/stat"]
FILES = st.lists(
    st.builds(FileAccess, st.sampled_from(["read-only", "read-write"]), st.sampled_from(PATHS)), unique=True
)
SERVICES = st.lists(st.sampled_from(["any", "root", "group:staff"]), max_size=2).map(
    lambda rules: tuple(
        Service(f"s{place}", f"org.example.S{place}", rule, (Method("Do"),)) for place, rule in enumerate(rules)
    )
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(files=FILES, custom=st.booleans(), services=SERVICES)
def test_the_line_raises_the_rating_of_what_is_enforced(
    files: list[FileAccess], custom: bool, services: tuple[Service, ...]
) -> None:
    asked = {"permissions": Permissions(tuple(files), custom=("gpu",) * custom), "services": services}
    before = confined(Policy(), **asked)
    rating = rate(before.permissions, {one.name: one.access for one in before.services})
    assert WORST <= rating.number <= BEST
    assert bool(rating.line) is bool(rating.reasons)
    rules = policy.parse(rating.line.encode(), name="hello")
    assert isinstance(rules, Policy)
    after = confined(rules, **asked)
    if rating.line:
        assert rate(after.permissions, {one.name: one.access for one in after.services}).number > rating.number
    else:
        assert after == before


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    files=FILES,
    custom=st.lists(st.sampled_from(["gpu", "fast"]), unique=True),
    kept=st.none() | st.tuples(*[st.sampled_from(PATHS)] * 2),
)
def test_what_is_shown_is_what_is_enforced(
    files: list[FileAccess], custom: list[str], kept: tuple[str, ...] | None
) -> None:
    found = confined(Policy(files=kept), permissions=Permissions(tuple(files), custom=tuple(custom)))
    enforced = {f"reads {path}" for path in found.files} | {f"reads and writes {path}" for path in found.writable}
    enforced |= {f"has the custom capability {name}" for name in custom}
    nothing = {"reaches nothing of this host: no files, no network, no devices, no other plugin"}
    assert set(reach.held(found.permissions)) == (enforced or nothing)
