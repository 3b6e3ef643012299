"""The system's settings: a closed list, each a plain text."""

import os

import pytest

from exod.brokers.config import facts


@pytest.mark.parametrize("name", sorted(facts.SYSTEM))
def test_each_is_a_text(name: str) -> None:
    assert isinstance(facts.SYSTEM[name](), str)


def test_they_are_those_of_this_host() -> None:
    assert (facts.SYSTEM["hostname"](), facts.SYSTEM["kernel"]()) == (os.uname().nodename, os.uname().release)


def test_a_zone_is_named_by_where_its_link_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "islink", lambda _: True)
    monkeypatch.setattr(os, "readlink", lambda _: "/usr/share/zoneinfo/Europe/Madrid")
    assert facts.SYSTEM["timezone"]() == "Europe/Madrid"


def test_a_host_that_does_not_name_its_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> dict[str, str]:
        raise OSError(2, "none")

    monkeypatch.setattr(facts.platform, "freedesktop_os_release", missing)
    assert facts.SYSTEM["os"]() == ""
