"""The registry's tables, as migrations: a connection at any older schema → one at the newest, one step a transaction.

Refuses a schema newer than this exod, and a database that is not exod's. Migrations are only ever added.
"""

import sqlite3

from exod.errors import Refusal, Refused

APPLICATION = 0x65786F64  # "exod", so that another program's database is not taken for an empty registry

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO counters VALUES ('generation', 0), ('next_instance', 1), ('next_job', 1);
    CREATE TABLE plugins (
        name TEXT PRIMARY KEY, version TEXT NOT NULL, enabled INTEGER NOT NULL,
        desired TEXT NOT NULL CHECK (desired IN ('unloaded', 'loaded', 'running', 'suspended')), config TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE versions (
        plugin TEXT NOT NULL REFERENCES plugins ON DELETE CASCADE, version TEXT NOT NULL, type TEXT NOT NULL,
        digest TEXT NOT NULL, signer TEXT NOT NULL, level TEXT NOT NULL, sequence INTEGER NOT NULL,
        installed REAL NOT NULL, PRIMARY KEY (plugin, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE instances (
        id INTEGER PRIMARY KEY, plugin TEXT NOT NULL REFERENCES plugins, version TEXT NOT NULL, digest TEXT NOT NULL,
        nonce BLOB NOT NULL, uid INTEGER NOT NULL, cgroup INTEGER NOT NULL, pid INTEGER NOT NULL, born REAL NOT NULL
    ) STRICT;
    CREATE INDEX instances_by_plugin ON instances (plugin);
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, plugin TEXT NOT NULL, caller TEXT NOT NULL, state TEXT NOT NULL,
        created REAL NOT NULL, finished REAL NOT NULL, steps TEXT NOT NULL, result TEXT NOT NULL, refusal TEXT NOT NULL
    ) STRICT;
    """,
    "ALTER TABLE instances ADD COLUMN granted TEXT NOT NULL DEFAULT ''",
)
"""One script of statements for each schema number, from 1; no statement contains a semicolon of its own."""


def migrate(database: sqlite3.Connection, *, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring `database` to the newest schema; raises Refused when it is newer still or not ours."""
    version, application = _pragma(database, "user_version"), _pragma(database, "application_id")
    tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION and (application or version or tables):
        raise Refused(Refusal("registry-foreign", "cannot open the registry: it is another program's database", _HINT))
    if version > len(migrations):
        sentence = f"cannot open the registry: its schema {version} is newer than this exod's {len(migrations)}"
        evidence = {"schema": str(version), "newest": str(len(migrations))}
        raise Refused(Refusal("registry-newer", sentence, "install the exod that wrote it, or a newer one", evidence))
    for number, script in enumerate(migrations[version:], start=version + 1):
        _step(database, number=number, script=script)


_HINT = "move registry.sqlite aside, or put back a backup of it"


def _step(database: sqlite3.Connection, *, number: int, script: str) -> None:
    with database:  # which commits, or rolls back
        database.execute("BEGIN IMMEDIATE")
        for statement in script.split(";"):
            database.execute(statement)
        # Both pragmas are part of the transaction: they are fields of the database's header.
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {number}")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value
