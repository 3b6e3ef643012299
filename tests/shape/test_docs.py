"""What the pages say and a machine can check: rooms, links, commands, the interfaces on the bus, numbered decisions."""

import functools
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from exoctl.root import cli
from tests.shape import tree

PAGES = sorted(path.relative_to(tree.ROOT) for path in [tree.ROOT / "README.md", *(tree.ROOT / "docs").rglob("*.md")])
PLACE = re.compile(r"`((?:exod|exosdk|exoctl|plugins|tests|bench|packaging|etc|docs)/[\w./-]*)`")
PLACEHOLDER = re.compile(r"[A-Z]{2}")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
COMMAND = re.compile(r"\bexoctl ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")
ROW = re.compile(r"^\| *`([\w./-]+?)/?` *\|", re.MULTILINE)


def text(page: Path) -> str:
    return (tree.ROOT / page).read_text()


def code(page: str) -> str:
    """Only what stands in backticks: prose may say `exoctl talks to the daemon` without naming a command."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page, re.DOTALL))


# --- rooms ------------------------------------------------------------------------------------------------------------


def every_room() -> set[str]:
    return {*tree.rooms("exod"), "exosdk", "exoctl", "plugins", "bench", "tests"}


def test_the_table_of_rooms_names_every_room() -> None:
    assert every_room() - set(ROW.findall(text(Path("README.md")))) == set()


def test_every_room_in_the_table_exists() -> None:
    assert [room for room in ROW.findall(text(Path("README.md"))) if not (tree.ROOT / room).exists()] == []


def missing_places(page: str) -> list[str]:
    """Places that do not exist; a word in capitals stands for many, as in `exoctl/NOUN/VERB.py`."""
    missing = [place for place in PLACE.findall(page) if not (tree.ROOT / place).exists()]
    return [place for place in missing if not PLACEHOLDER.search(place)]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_place_a_page_names_exists(page: Path) -> None:
    assert missing_places(text(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = LINK.findall(text(page))
    assert [link for link in links if not (tree.ROOT / page.parent / link.strip()).exists()] == []


def test_a_room_that_is_gone_is_seen() -> None:
    assert missing_places("see `exod/dbus/` and `exod/drawer/`") == ["exod/drawer/"]


# --- commands ---------------------------------------------------------------------------------------------------------


@functools.cache
def commands() -> click.Group:
    return cli


def unknown_commands(page: str) -> list[str]:
    """`exoctl NOUN VERB` of a page that the command line would not understand."""
    group, unknown = commands(), []
    context = click.Context(group)
    for words in COMMAND.findall(page):
        noun, _, verb = words.partition(" ")
        command = group.get_command(context, noun)
        if command is None or (verb and isinstance(command, click.Group) and not command.get_command(context, verb)):
            unknown.append(words)
    return unknown


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_a_page_shows_exists(page: Path) -> None:
    assert unknown_commands(code(text(page))) == []


def test_a_command_that_does_not_exist_is_seen() -> None:
    shown = code("`exoctl plugin load x` then\n```\nexoctl plugin levitate\n```\nand exoctl is nice")
    assert unknown_commands(shown) == ["plugin levitate"]


# --- the bus ----------------------------------------------------------------------------------------------------------


def test_the_page_of_the_bus_is_what_the_interfaces_say() -> None:
    written = subprocess.run([sys.executable, "-m", "docs.generate"], cwd=tree.ROOT, capture_output=True, text=True)
    assert written.returncode == 0, written.stderr
    assert text(Path("docs/dbus.md")) == written.stdout, "run make docs"


# --- decisions and news -----------------------------------------------------------------------------------------------


def test_decisions_are_numbered_in_order_and_titled() -> None:
    records = sorted((tree.ROOT / "docs/adr").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert numbers == [f"{number:04}" for number in range(len(records))]
    assert [record.name for record in records if not record.read_text().startswith(f"# {int(record.name[:4])}. ")] == []


def test_a_piece_of_news_is_named_and_has_one_paragraph() -> None:
    pieces = [path for path in (tree.ROOT / "news").glob("*") if path.name != "README.md"]
    assert [
        path.name
        for path in pieces
        if not re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed|security)\.md", path.name)
    ] == []
    assert [path.name for path in pieces if "\n\n" in path.read_text().strip()] == []
