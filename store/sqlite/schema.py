"""Tables of the store file and their version.

A file of an older version is brought up to this one; one of a newer version or of another program is refused untouched.
"""

import sqlite3
from pathlib import Path

from schemas.errors import ConfigurationError
from store.sqlite.connection import transaction

__all__ = ["SCHEMA_VERSION", "check_usable", "prepare"]

SCHEMA_VERSION = 3
"""Stands in ``PRAGMA user_version``; raised with every change of the tables."""

_APPLICATION_ID = 0x50726373
_OLDEST_SQLITE = (3, 37, 0)  # STRICT tables; RETURNING and row values are older
# cas comes from one counter, never from the row: a document that expired and was written anew must not repeat a token.
# scores hold no expiry: the age of an entry is checked when it is read, by the reader's own time to live.
# posting_text.rowid is postings.id.
_SINCE_VERSION_3 = """
CREATE TABLE score_leases (
    fingerprint TEXT NOT NULL,
    item_version TEXT NOT NULL,
    holder TEXT NOT NULL,
    ends_at_s REAL NOT NULL,
    PRIMARY KEY (fingerprint, item_version)
) STRICT, WITHOUT ROWID;
CREATE TABLE score_epoch (scored_from_us INTEGER NOT NULL) STRICT;
INSERT INTO score_epoch VALUES (0);
"""
_TABLES = f"""
CREATE TABLE write_counter (value INTEGER NOT NULL) STRICT;
INSERT INTO write_counter VALUES (0);
CREATE TABLE summaries (
    job_id TEXT PRIMARY KEY,
    cas INTEGER NOT NULL,
    state TEXT NOT NULL,
    expires_at_s REAL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX summaries_expiry ON summaries (expires_at_s) WHERE expires_at_s IS NOT NULL;
CREATE TABLE postings (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    source_version INTEGER NOT NULL,
    document TEXT NOT NULL,
    posting_hash TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE scores (
    fingerprint TEXT NOT NULL,
    job_id TEXT NOT NULL,
    item_version TEXT NOT NULL,
    score REAL NOT NULL,
    scored_at_us INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX scores_by_job ON scores (job_id, scored_at_us);
CREATE INDEX scores_by_age ON scores (scored_at_us);
{_SINCE_VERSION_3.strip()}
CREATE VIRTUAL TABLE posting_text USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
"""  # noqa: S608 (constants only)
_FROM_VERSION = {1: "ALTER TABLE postings ADD COLUMN posting_hash TEXT NOT NULL DEFAULT ''", 2: _SINCE_VERSION_3}
"""What brings a file of an older version one version on."""


def check_usable(path: Path) -> None:
    """Refuse a file that is not a store of this version, before anything in it is changed.

    Raises:
        ConfigurationError: Which it is, and what to do.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationError(f"SQLite {sqlite3.sqlite_version} is too old: Python needs one of 3.37 or newer")
    if not path.exists():
        return
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        if not _is_empty(connection):
            _check_version(connection, path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise ConfigurationError(f"{str(path)!r} is not a database: choose another path for the store") from error
    finally:
        connection.close()


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none. Safe where several processes open a new file at once.

    Raises:
        ConfigurationError: The file belongs to another program or to a newer version of this one.
    """
    # One transaction, so that of several processes one makes the tables and the others find them.
    with transaction(connection):
        if _is_empty(connection):
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        _check_version(connection, path)
        for version in range(_version(connection), SCHEMA_VERSION):
            for statement in _FROM_VERSION[version].split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")


def _is_empty(connection: sqlite3.Connection) -> bool:
    (num_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return bool(num_tables == 0)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    version = _version(connection)
    if application_id != _APPLICATION_ID:
        raise ConfigurationError(f"{str(path)!r} is a database of another program: choose another path for the store")
    if version != SCHEMA_VERSION and version not in _FROM_VERSION:
        raise ConfigurationError(
            f"store {str(path)!r} has schema version {version}, this build reads {SCHEMA_VERSION}: "
            "use the version of Précis that wrote it, or start with a new path and ingest again"
        )
