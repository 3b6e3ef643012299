"""The registry: records ↔ rows of SQLite; every call is one durable transaction, in the order of the calls.

Refuses a database that is corrupt, foreign, newer than this exod, open elsewhere, or writable by others; never makes a
new one in its place. Refuses a record that points nowhere, and a generation lower than the last.
"""

import contextlib
import errno
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from exod.errors import Refusal, Refused
from exod.state.chain import Head
from exod.state.directory import Directory, insecure
from exod.state.records import InstanceRecord, JobRecord, PluginRecord, Snapshot, VersionRecord
from exod.state.schema import OPENING, migrate
from exod.state.writer import Writer

_LOCK_WAIT = 1.0
_ERRNO = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS, sqlite3.SQLITE_NOMEM: errno.ENOMEM}
Row = tuple[Any, ...]

# A table's columns are the fields of its record, by name: a later migration may add a column anywhere.
_KINDS: tuple[type, ...] = (PluginRecord, VersionRecord, InstanceRecord, JobRecord)
_RECORDS = dict(zip(("plugins", "versions", "instances", "jobs"), _KINDS, strict=True))


class Registry:
    """Implements the supervisor's port. A plugin is put before its versions and instances, and dropped after them
    (dropping it drops its versions); whatever would break that is refused as `registry-conflict`.

    Each transaction says how far the audit had come: what `pin` tells, which is durable. `audited` is the last.
    """

    def __init__(self, database: sqlite3.Connection, *, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self.audited = Head(*database.execute("SELECT seq, hash FROM audit").fetchone())
        self.pin: Callable[[], Head] = lambda: self.audited

    @classmethod
    async def open(cls, path: Path, *, writer: Writer) -> "Registry":
        """Open the database at `path`, made 0600 if there is none. Raises Refused."""
        return await writer.submit(lambda: cls(_open(path), writer=writer))

    async def load(self) -> Snapshot:
        return await self._writer.submit(self._load)

    async def put_job(self, job: JobRecord) -> None:
        await self._change(lambda: self._put_numbered("jobs", "next_job", astuple(job)))

    async def prune_jobs(self, *, before: float) -> None:
        """Forget jobs that finished before then; one that still runs is kept whatever its age."""
        await self._run("DELETE FROM jobs WHERE state != 'running' AND finished < ?", before)

    async def put_plugin(self, plugin: PluginRecord) -> None:
        config = json.dumps(dict(plugin.config), sort_keys=True, separators=(",", ":"), allow_nan=False)
        row = (plugin.name, plugin.version, int(plugin.enabled), plugin.desired, config)
        await self._change(lambda: self._upsert("plugins", row, keys=1))

    async def drop_plugin(self, name: str) -> None:
        await self._run("DELETE FROM plugins WHERE name = ?", name)

    async def put_version(self, version: VersionRecord) -> None:
        await self._change(lambda: self._upsert("versions", astuple(version), keys=2))

    async def drop_version(self, plugin: str, version: str) -> None:
        await self._run("DELETE FROM versions WHERE plugin = ? AND version = ?", plugin, version)

    async def put_instance(self, instance: InstanceRecord) -> None:
        await self._change(lambda: self._put_numbered("instances", "next_instance", astuple(instance)))

    async def drop_instance(self, instance: int) -> None:
        await self._run("DELETE FROM instances WHERE id = ?", instance)

    async def set_generation(self, generation: int) -> None:
        """Repeat the trust file's generation; it only grows."""
        await self._change(lambda: self._set_generation(generation))

    async def close(self) -> None:
        """Repeat the end of the audit, fold the log into the database and close it; twice is fine."""
        with contextlib.suppress(OSError, Refused):
            await self._change(lambda: None)
        await self._writer.submit(self._database.close)

    async def _run(self, statement: str, *values: object) -> None:
        await self._change(lambda: self._database.execute(statement, values))

    async def _change(self, work: Callable[[], object]) -> None:
        def change() -> None:
            head = self.pin()
            with _translated(), self._database:  # which commits, or rolls back
                self._database.execute("BEGIN IMMEDIATE")
                work()
                self._database.execute("UPDATE audit SET seq = ?, hash = ?", astuple(head))
            self.audited = head

        await self._writer.submit(change)

    def _put_numbered(self, table: str, counter: str, row: Row) -> None:
        """Insert or update by id, and move the counter past it: after a restart no id is given out twice.

        Jobs run beside each other, so that a lower id may well come after a higher one.
        """
        self._upsert(table, row, keys=1)
        following = (row[0] + 1, counter)
        self._database.execute("UPDATE counters SET value = max(value, ?) WHERE name = ?", following)

    def _upsert(self, table: str, row: Row, *, keys: int) -> None:
        # Not INSERT OR REPLACE: that deletes the old row first, and with it, by cascade, a plugin's versions.
        names = [field.name for field in fields(_RECORDS[table])]
        changes = ", ".join(f"{name} = excluded.{name}" for name in names[keys:])
        into = f"{table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self._database.execute(f"INSERT INTO {into} ON CONFLICT DO UPDATE SET {changes}", row)

    def _set_generation(self, generation: int) -> None:
        known = self._counter("generation")
        if generation < known:
            raise Refused(Refusal("generation-old", f"cannot record generation {generation}: {known} is recorded"))
        self._database.execute("UPDATE counters SET value = ? WHERE name = 'generation'", (generation,))

    def _counter(self, name: str) -> int:
        value: int = self._database.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0]
        return value

    def _load(self) -> Snapshot:
        with _translated():
            return Snapshot(
                plugins=tuple(_plugin(row) for row in self._rows("plugins")),
                versions=tuple(VersionRecord(*row) for row in self._rows("versions")),
                instances=tuple(InstanceRecord(*row) for row in self._rows("instances")),
                jobs=tuple(JobRecord(*row) for row in self._rows("jobs")),
                generation=self._counter("generation"),
                next_instance=self._counter("next_instance"),
                next_job=self._counter("next_job"),
            )

    def _rows(self, table: str) -> Iterator[Row]:
        columns = ", ".join(field.name for field in fields(_RECORDS[table]))
        return self._database.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2")


def _plugin(row: Row) -> PluginRecord:
    name, version, enabled, desired, config = row
    return PluginRecord(name, version, bool(enabled), desired, json.loads(config))


def _open(path: Path) -> sqlite3.Connection:
    with Directory.open(path.parent) as directory:
        _make_private(directory, path.name)
    with _translated():
        database = sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database)
        except BaseException:
            database.close()
            raise
        return database


def _make_private(directory: Directory, name: str) -> None:
    """Make the file before SQLite does, 0600, or judge the one that is there.

    SQLite gives its log the mode of the database, and opens by path: sound because only root may write the directory.
    """
    try:
        # For writing: SQLite calls a disk that is read-only an I/O error.
        os.close(directory.open_file(name, os.O_RDWR | os.O_CREAT))
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Refused(insecure(f"{directory.path}/{name}", "is a link")) from error


def _prepare(database: sqlite3.Connection) -> None:
    database.executescript(OPENING)
    problem = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(problem)
    migrate(database)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """SQLite's errors in the house's terms: a decision is Refused, the world is OSError."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Refused(Refusal("registry-conflict", f"cannot change the registry: {error}")) from error
    except sqlite3.OperationalError as error:
        if _code(error) == sqlite3.SQLITE_BUSY:
            sentence = "cannot open the registry: another process has it open"
            raise Refused(Refusal("registry-busy", sentence, "systemctl status exod")) from error
        raise OSError(_ERRNO.get(_code(error), errno.EIO), f"registry: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Refused(_corrupt(str(error))) from error


def _code(error: sqlite3.Error) -> int:
    # The low byte is the primary code; Python's own errors carry none.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _corrupt(reason: str) -> Refusal:
    hint = "put back a backup of registry.sqlite; or move it aside, start exod, install the plugins again"
    return Refusal("registry-corrupt", "cannot read the registry: the database is damaged", hint, {"reason": reason})
