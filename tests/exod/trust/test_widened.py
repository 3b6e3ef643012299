"""The difference between two manifests that a person has to see."""

from dataclasses import replace

import pytest

from exod.package import manifest
from exod.package.limits import Limits
from exod.package.manifest import Entry, Manifest
from exod.package.permissions import FileAccess, Permissions
from exod.package.services import Method, Service
from exod.trust.widened import widened
from tests.builders import manifest_toml

FOUND = manifest.parse(manifest_toml())
assert isinstance(FOUND, Manifest)
HELLO = Service("hello", "org.example.Hello1")
OLD = replace(
    FOUND,
    permissions=Permissions(filesystem=(FileAccess("read-only", "/a"),)),
    limits=Limits(run_time=10.0),
    services=(HELLO,),
)


def test_the_same_or_less_is_no_difference() -> None:
    less = replace(OLD, permissions=Permissions(), limits=Limits(memory=1 << 20, run_time=5.0), services=())
    assert widened(OLD, OLD) == ()
    assert widened(OLD, less) == ()


@pytest.mark.parametrize(
    ("new", "phrase"),
    [
        (replace(OLD, type="ai-model"), "type custom → ai-model"),
        (replace(OLD, entry=Entry("elf", "code/x")), "entry python → elf"),
        (replace(OLD, critical=True), "critical"),
        (replace(OLD, permissions=replace(OLD.permissions, native=True)), "native true"),
        (
            replace(OLD, permissions=Permissions(filesystem=(FileAccess("read-write", "/a"),))),
            "filesystem read-write:/a",
        ),
        (replace(OLD, limits=replace(OLD.limits, memory=65 << 20)), "memory 67108864 → 68157440"),
        (replace(OLD, limits=replace(OLD.limits, run_time=0.0)), "run-time 10.0 → inf"),
        (
            replace(OLD, services=(HELLO, Service("more", "org.example.More1"))),
            "service more (org.example.More1) for root",
        ),
        (replace(OLD, services=(replace(HELLO, interface="org.x.Y"),)), "service hello (org.x.Y) for root"),
        (replace(OLD, services=(replace(HELLO, access="any"),)), "service hello (org.example.Hello1) for any"),
    ],
)
def test_more_of_anything_is_named(new: Manifest, phrase: str) -> None:
    assert widened(OLD, new) == (phrase,)


def test_closing_a_service_or_adding_a_method_asks_for_nothing() -> None:
    opened = replace(OLD, services=(replace(HELLO, access="any"),))
    assert widened(opened, OLD) == ()
    assert widened(OLD, replace(OLD, services=(replace(HELLO, methods=(Method("Greet"),)),))) == ()
