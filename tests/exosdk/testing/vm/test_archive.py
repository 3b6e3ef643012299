"""Whose archives an image is made from: this machine's Debian ones, with the suite exchanged."""

import pytest

from exosdk.testing.vm import Unusable, archive

TARGETS = [
    "http://a.example/debian/ bookworm main Debian",
    "http://a.example/debian/ bookworm-updates main Debian",
    "http://a.example/debian/ bookworm contrib Debian",
    "http://b.example/ bookworm main Somebody",
    "http://c.example/ nodistro main",
]


def test_only_debians_main_counts_and_the_suite_is_exchanged() -> None:
    assert archive.for_suite(TARGETS, "bookworm", "trixie") == [
        "deb http://a.example/debian/ trixie main",
        "deb http://a.example/debian/ trixie-updates main",
    ]


def test_a_machine_whose_apt_knows_no_debian_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_asked", lambda *command: [])
    with pytest.raises(Unusable, match="apt-get update"):
        archive.sources("bookworm")


def test_proxies_are_handed_on_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ['Acquire::http::Proxy "http://p.example";', 'APT::Architecture "amd64";']
    monkeypatch.setattr(archive, "_asked", lambda *command: lines)
    assert archive.options() == lines[:1]


def test_apt_is_really_asked() -> None:
    assert archive.own()
    assert isinstance(archive.options(), list)
    with pytest.raises(Unusable, match="on Debian only"):
        archive._asked("a-tool-that-does-not-exist")
