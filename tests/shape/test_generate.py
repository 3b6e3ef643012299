"""The page says what the XML says."""

from pathlib import Path

from docs import generate
from exod.dbus.introspect import SHIPPED, shipped

PAGE = Path(__file__).resolve().parents[2] / "docs/dbus.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == generate.page()


def test_it_names_every_member_with_its_access() -> None:
    page = generate.page()
    for name in SHIPPED:
        for method in shipped(name).methods.values():
            assert f"- `{method.name}(" in page
        for one in shipped(name).properties:
            assert f"| {one} |" in page
    assert "`RecoverTrust()` · `org.exoos.exod1.recover-trust`" in page
    assert "(not signalled)" in page
