"""Findings, their lines, and what they mean for a load."""

import pytest

from exod.brokers.lint.findings import MOST, Finding, finding, parse, ranked, refusal

ERROR, WARNING = Finding("code/a.py", 3, "computed-code", "exec()"), Finding("code/a.py", 1, "network", "socket")


def test_a_finding_survives_its_line() -> None:
    assert parse(str(ERROR)) == ERROR


@pytest.mark.parametrize(
    "line",
    [
        "",
        ".",
        ">3",
        "code/a.py:3: no-such-rule: x",
        "code/a.py:x: network: y",
        "a:1: network: \x1b[2J",
        "a b:1: network: x",
    ],
)
def test_what_is_no_finding_is_not_believed(line: str) -> None:
    assert parse(line) is None


def test_what_was_read_out_of_a_file_cannot_move_a_cursor_and_is_short() -> None:
    one = finding("code/a.py", 1, "network", "a\x1b[2J\nb" + "é" * 200)
    assert one.what.isprintable()
    assert one.what.isascii()
    assert len(one.what) <= 120
    assert parse(str(one)) == one


def test_a_flood_of_warnings_hides_no_error() -> None:
    flood = [Finding("code/a.py", line, "network", "socket") for line in range(500)]
    kept = ranked([*flood, ERROR, ERROR])
    assert kept[0] == ERROR
    assert len(kept) == MOST
    assert kept.count(ERROR) == 1


def test_only_errors_refuse() -> None:
    assert refusal("hello", "1.0.0", [WARNING]) is None
    said = refusal("hello", "1.0.0", [ERROR, WARNING])
    assert said is not None
    assert (said.code, said.sentence) == (
        "lint-refused",
        "cannot load hello 1.0.0: the lint found code/a.py:3 computed-code",
    )
    assert "plugins.d/hello.toml" in said.hint
    assert said.evidence["findings"] == "code/a.py:3: computed-code: exec()"


def test_a_refusal_names_the_first_three_and_keeps_within_the_audit() -> None:
    many = [Finding("code/a.py", line, "computed-code", "x" * 100) for line in range(1, 60)]
    said = refusal("hello", "1.0.0", many)
    assert said is not None
    assert said.sentence.endswith("code/a.py:3 computed-code and 56 more")
    assert len(said.evidence["findings"]) < 4096
