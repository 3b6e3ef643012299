from exoctl import times


def test_a_moment_is_shown_in_utc_and_says_so() -> None:
    assert times.shown(1_700_000_000) == "2023-11-14 22:13:20Z"
