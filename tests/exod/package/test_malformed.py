"""Faults become refusals that show nothing of the input as it came."""

from exod.package.malformed import SHOWN, MalformedError, shown


def test_a_fault_names_line_key_and_reason() -> None:
    found = MalformedError("", "it is wrong", key="limits.memory", line=7).refusal("package.toml", code="general")
    assert found.sentence == "cannot read package.toml: line 7: limits.memory: it is wrong"
    assert (found.code, found.evidence) == ("general", {"key": "limits.memory", "line": "7"})


def test_a_code_of_its_own_wins() -> None:
    found = MalformedError("special", "it is wrong").refusal("x", code="general")
    assert (found.code, found.sentence, found.evidence) == ("special", "cannot read x: it is wrong", {})


def test_foreign_text_is_shown_quoted_cut_and_in_ascii() -> None:
    assert shown("a\x1b[31m\u202e") == repr("a\x1b[31m\u202e")
    assert len(shown("x" * 999)) == SHOWN + 3
    assert shown(b"raw") == "'bytes'"
    assert shown(10**9999) == "'int'"
