"""exod.toml: what it may say, what is refused by name, what a change of it means, and the file as shipped."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs import settings as shipped_settings
from exod import settings
from exod.errors import Outcome, Refusal
from exod.settings import Settings

SHIPPED = Path(__file__).resolve().parents[2] / "etc/exod.toml"


def refused(text: str | bytes) -> Refusal:
    found = settings.parse(text.encode() if isinstance(text, str) else text)
    assert isinstance(found, Refusal)
    assert (found.code, found.outcome) == ("settings-invalid", Outcome.USAGE)
    return found


def test_what_a_file_does_not_name_keeps_its_default() -> None:
    assert settings.parse(b"") == Settings()
    assert settings.parse(b"job-days = 3\nrevocation-required = true") == Settings(job_days=3, revocation_required=True)


def test_a_whole_number_of_seconds_is_a_number_of_seconds() -> None:
    found = settings.parse(b"stop-seconds = 3")
    assert isinstance(found, Settings)
    assert repr(found.stop_seconds) == "3.0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("job-day = 3", 'unknown key "job-day"'),
        ("job_days = 3", 'unknown key "job_days"'),
        ("[job-days]\na = 1", '"job-days" wants int, not dict'),
        ("job-days = true", '"job-days" wants int, not bool'),
        ("job-days = 1.5", '"job-days" wants int, not float'),
        ("job-days = -1", '"job-days" is below 0'),
        ("revocation-required = 1", '"revocation-required" wants bool, not int'),
        ("stop-seconds = '3'", '"stop-seconds" wants float, not str'),
        ("stop-seconds = true", '"stop-seconds" wants float, not bool'),
        ("stop-seconds = nan", '"stop-seconds" is not finite'),
        ("start-seconds = inf", '"start-seconds" is not finite'),
        ("zygote-forks = 0", '"zygote-forks" is below 1'),
        ("log-bytes = 1", '"log-bytes" is below 4096'),
        ("uid-first = 0", '"uid-first" is below 1'),
        ("keeper-uid = 0", '"keeper-uid" is below 1'),
        ("network-range = 10", '"network-range" wants str, not int'),
        ("data-uid = 4294967295", '"data-uid" is above 4294967294'),
        ("uid-first = 9\nuid-last = 9", '"uid-first" is not below "uid-last"'),
        ("keeper-uid = 2147000001", '"keeper-uid" lies between "uid-first" and "uid-last"'),
        ("data-uid = 2147065535", '"data-uid" lies between "uid-first" and "uid-last"'),
        ("lint-uid = 2147000000", '"lint-uid" lies between "uid-first" and "uid-last"'),
        ("data-uid = 2146999998", "two of keeper-uid, data-uid, lint-uid, resolver-uid are the same"),
        ("lint-uid = 2146999998", "two of keeper-uid, data-uid, lint-uid, resolver-uid are the same"),
    ],
)
def test_what_it_may_not_say_is_refused_by_name(text: str, reason: str) -> None:
    assert refused(text).sentence == f"cannot read settings: {reason}"


@pytest.mark.parametrize("data", [b"\xff", b"job-days", b"a = " + b"[" * 5000], ids=["utf8", "syntax", "nested"])
def test_what_is_no_toml_is_refused(data: bytes) -> None:
    assert refused(data).sentence.startswith("cannot read settings: ")


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(settings.parse(data), Settings | Refusal)


def test_a_change_is_told_and_what_needs_a_restart_says_so() -> None:
    new = Settings(job_days=3, uid_first=5, revocation_required=True)
    assert list(settings.changes(Settings(), new)) == [
        "uid-first: 2147000000 → 5 (needs a restart)",
        "job-days: 30 → 3",
        "revocation-required: False → True",
    ]
    assert list(settings.changes(new, new)) == []


def test_every_default_fits_its_own_bounds() -> None:
    for row in fields(Settings):
        assert settings._misfit(row.default, default=row.default, limits=row.metadata) == ""


def test_the_shipped_file_is_current() -> None:
    assert SHIPPED.read_text() == shipped_settings.page(), "run: make docs"


def test_the_shipped_file_changes_nothing_and_shows_every_default() -> None:
    text = SHIPPED.read_text()
    assert settings.parse(text.encode()) == Settings()
    shown = "\n".join(line[1:] for line in text.splitlines() if line.startswith("#") and not line.startswith("# "))
    assert settings.parse(shown.encode()) == Settings()
    assert len(shown.splitlines()) == len(fields(Settings))
    assert max(map(len, text.splitlines())) <= 100
