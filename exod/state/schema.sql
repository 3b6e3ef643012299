-- How the registry is opened, each time, and its schema: one script of statements for each number. Scripts are only ever
-- added, at the end. No statement contains a semicolon of its own.

-- Exclusive: a second exod on the same state is refused, and the index of the log stays in memory (no -shm file).
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
-- KiB: by itself SQLite keeps 2 MiB of pages, and the daemon would grow by that with its first thousand jobs.
PRAGMA cache_size = -256;
-- WAL with NORMAL loses committed transactions at a power cut.
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;

-- schema 1
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

-- schema 2
ALTER TABLE instances ADD COLUMN granted TEXT NOT NULL DEFAULT '';

-- schema 3
CREATE TABLE audit (seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit VALUES (0, '');

-- schema 4
ALTER TABLE versions ADD COLUMN lint TEXT NOT NULL DEFAULT '';
