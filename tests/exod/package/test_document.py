"""One reader of TOML for packages and for what the administrator writes."""

import pytest

from exod.package import document
from exod.package.fields import Field, Flag, Table, Whole
from exod.package.malformed import MalformedError

TABLE = Table(Field("a", Whole(), default=0), Field("b", Table(Field("c", Flag(), default=False)), default={}))


def fault(data: bytes, *, hostile: bool = False) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        document.read(data, TABLE, limit=100, too_large="large", hostile=hostile)
    return caught.value


def test_a_document_is_what_its_table_makes_of_it() -> None:
    assert document.read(b"a = 3\n[b]\nc = true\n", TABLE, limit=100) == {"a": 3, "b": {"c": True}}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a = 1\na = \n", 2),
        (b"# \xc3\xa4\na = 1\n\n[b]\nc = 1\n", 5),
        (b'a = "x"\n', 1),
        (b"a = 1\nd = 1\n", 2),
        (b"a = 1\nb = [\n\n", 2),
        (b"a = 1 # \xff\n", 0),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: bytes, line: int) -> None:
    assert fault(data).line == line


def test_what_is_too_large_is_not_looked_at() -> None:
    assert fault(b"#" * 101).code == "large"


def test_only_whoever_may_be_hostile_is_held_to_a_few_dots() -> None:
    data = b"# " + b"." * 65
    assert document.read(data, TABLE, limit=100) == {"a": 0, "b": {}}
    assert "dots" in fault(data, hostile=True).reason
