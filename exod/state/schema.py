"""The registry's tables, as migrations: a connection at any older schema → one at the newest, one step a transaction.

Refuses a schema newer than this exod, and a database that is not exod's. Migrations are only ever added.
"""

import re
import sqlite3
from importlib.resources import files
from typing import Final

from exod.errors import Refusal, Refused

APPLICATION = 0x65786F64  # "exod", so that another program's database is not taken for an empty registry

OPENING, *_SCRIPTS = re.split(r"-- schema \d+\n", files("exod.state").joinpath("schema.sql").read_text())
MIGRATIONS: Final = tuple(script.strip().removesuffix(";") for script in _SCRIPTS)
"""One script of statements for each schema number, from 1; OPENING is run before, each time."""


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
