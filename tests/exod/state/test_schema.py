import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from exod.errors import Refused
from exod.state.schema import APPLICATION, MIGRATIONS, migrate


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def test_an_empty_database_gets_the_newest_schema_and_our_mark(database: sqlite3.Connection) -> None:
    migrate(database)
    assert pragma(database, "user_version") == len(MIGRATIONS)
    assert pragma(database, "application_id") == APPLICATION
    migrate(database)


def test_an_older_schema_is_brought_up_with_its_rows(database: sqlite3.Connection) -> None:
    migrate(database)
    database.execute("INSERT INTO plugins VALUES ('hello', '1.0', 1, 'running', '{}')")
    migrate(database, migrations=(*MIGRATIONS, "ALTER TABLE plugins ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"))
    assert database.execute("SELECT name, note FROM plugins").fetchall() == [("hello", "none")]
    assert pragma(database, "user_version") == len(MIGRATIONS) + 1


def test_a_newer_schema_is_refused_and_left_alone(database: sqlite3.Connection) -> None:
    migrate(database, migrations=(*MIGRATIONS, "CREATE TABLE future (x INTEGER)"))
    with pytest.raises(Refused) as caught:
        migrate(database)
    assert caught.value.refusal.code == "registry-newer"
    assert pragma(database, "user_version") == len(MIGRATIONS) + 1


def test_a_migration_that_fails_leaves_the_schema_before_it(database: sqlite3.Connection) -> None:
    migrate(database)
    with pytest.raises(sqlite3.OperationalError):
        migrate(database, migrations=(*MIGRATIONS, "CREATE TABLE half (x INTEGER); CREATE NONSENSE"))
    assert pragma(database, "user_version") == len(MIGRATIONS)
    assert not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchone()
    assert not database.in_transaction


@pytest.mark.parametrize("spoil", ["PRAGMA application_id = 7", "PRAGMA user_version = 1", "CREATE TABLE other (x)"])
def test_another_program_s_database_is_refused(database: sqlite3.Connection, spoil: str) -> None:
    database.execute(spoil)
    with pytest.raises(Refused) as caught:
        migrate(database)
    assert caught.value.refusal.code == "registry-foreign"
