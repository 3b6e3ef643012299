"""D-Bus names and signatures as Python sees them."""

import pytest

from exosdk.signature import MalformedError, python_type, snake_case, split


@pytest.mark.parametrize(
    ("signature", "types"),
    [
        ("", []),
        ("s", ["s"]),
        ("sa{sv}(ii)", ["s", "a{sv}", "(ii)"]),
        ("aas", ["aas"]),
        ("a(a{s(ii)}s)u", ["a(a{s(ii)}s)", "u"]),
    ],
)
def test_a_signature_is_split_into_its_complete_types(signature: str, types: list[str]) -> None:
    assert split(signature) == types


@pytest.mark.parametrize("signature", ["a", "(s", "sa{s"])
def test_an_incomplete_signature_is_refused(signature: str) -> None:
    with pytest.raises(MalformedError):
        split(signature)


@pytest.mark.parametrize(
    ("member", "name"),
    [("Greet", "greet"), ("GetAllItems", "get_all_items"), ("CPUUsage", "cpu_usage"), ("Load15", "load15"), ("X", "x")],
)
def test_a_member_has_one_python_name(member: str, name: str) -> None:
    assert snake_case(member) == name


def test_basic_types_and_byte_arrays_have_a_builtin_and_containers_have_none() -> None:
    assert [python_type(one) for one in ("s", "u", "b", "d", "ay", "as", "v", "(ii)")] == [
        "str", "int", "bool", "float", "bytes", "", "", "",
    ]  # fmt: skip
