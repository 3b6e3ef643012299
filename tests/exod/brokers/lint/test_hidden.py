"""What hides what a plugin does: the cases beyond the table of examples."""

from exod.brokers.lint import hidden
from tests.exod.brokers.lint.examples import KEY, found, rules


def test_a_private_key_is_found_in_any_file_at_its_line() -> None:
    assert list(hidden.private_keys(b"a\nb\n" + KEY)) == [3]
    [one] = found("x\n" + KEY.decode(), path="assets/key.pem")
    assert (one.rule, one.line) == ("private-key", 2)


def test_a_key_that_is_escaped_in_a_string_is_found_too() -> None:
    assert rules(f"K = {KEY.decode()!r}") == {"private-key"}


def test_a_constant_that_is_run_is_not_computed() -> None:
    assert rules("exec('x = 1')") == set()


def test_an_encoded_constant_is_not_hidden_by_being_written_on_many_lines() -> None:
    assert hidden.packed("ab" * 1000)
    assert not hidden.packed("ab cd" * 1000)
    assert hidden.packed(bytes(range(256)) * 10)
