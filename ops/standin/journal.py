"""What survives: one SQLite file with a write-ahead log, written by one process.

A commit is in the file before it returns, so it survives the death of the process at any moment; one that is synced
survives the machine's too. SQLite's checksums of the log take care of a tail that was torn.
"""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ops.standin.documents import Bucket, Document

__all__ = ["Address", "Journal", "JournalInUse"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, layout TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    bucket TEXT NOT NULL, collection INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, flags INTEGER NOT NULL,
    datatype INTEGER NOT NULL, cas INTEGER NOT NULL, expires_at_s INTEGER NOT NULL, xattrs TEXT NOT NULL,
    PRIMARY KEY (bucket, collection, key)
);
"""
_PUT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM documents WHERE bucket = ? AND collection = ? AND key = ?"
_SET_FACT = "INSERT OR REPLACE INTO facts VALUES (?, ?)"

_CHECKPOINT_PAGES = 4_000
"""Log pages (4 KiB each) between two checkpoints: each stalls writes for an fsync or two."""


class JournalInUse(Exception):
    """Another process has the file open."""


class Address(NamedTuple):
    """Where a document is."""

    bucket: str
    collection_id: int
    key: bytes


class Journal:
    """The open file. For one thread."""

    def __init__(self, file: Path) -> None:
        """Open it; make it where it is missing.

        Raises:
            JournalInUse: Another process has it.
        """
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=0)
        try:
            # Exclusive: a second process on one directory would undo what the first has acknowledged.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._connection.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                raise JournalInUse(
                    f"{str(file)!r} is open in another process: stop it, or take another folder"
                ) from error
            raise

    def load(self) -> dict[str, Bucket]:
        """All buckets with their documents."""
        buckets = {}
        for name, layout in self._connection.execute("SELECT name, layout FROM buckets"):
            bucket = Bucket(name=name, **json.loads(layout))
            bucket.documents = {number: {} for scope in bucket.scopes.values() for number in scope.values()}
            buckets[name] = bucket
        rows = self._connection.execute(
            "SELECT bucket, collection, key, value, flags, datatype, cas, expires_at_s, xattrs FROM documents"
        )
        for name, collection_id, key, value, flags, datatype, cas, expires_at_s, xattrs in rows:
            document = Document(value, flags, datatype, cas, expires_at_s, json.loads(xattrs))
            buckets[name].documents[collection_id][key] = document
        return buckets

    def fact(self, name: str) -> int:
        """A number that was kept; 0 where it never was."""
        row = self._connection.execute("SELECT number FROM facts WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def set_fact(self, name: str, number: int) -> None:
        """Keep a number."""
        self._connection.execute(_SET_FACT, (name, number))

    def commit(self, changes: Mapping[Address, Document | None], *, last_cas: int, is_synced: bool) -> None:
        """Write all changes at once; None removes.

        Args:
            changes: What each address holds now.
            last_cas: Highest token given out.
            is_synced: Whether to wait for the disk.
        """
        # It holds from the next transaction on; NORMAL does not wait for the disk, and keeps the file whole.
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'NORMAL'}")
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [_row(address, document) for address, document in changes.items() if document]
        self._connection.executemany(_PUT, rows)
        self._connection.executemany(_REMOVE, [address for address, document in changes.items() if not document])
        self._connection.execute(_SET_FACT, ("last_cas", last_cas))
        self._connection.execute("COMMIT")

    def save_layout(self, bucket: Bucket) -> None:
        """Keep what scopes and collections a bucket has, and drop the documents of those it has no more."""
        layout = {name: getattr(bucket, name) for name in ("uuid", "scopes", "scope_ids", "revision", "next_id")}
        present = ", ".join(str(number) for scope in bucket.scopes.values() for number in scope.values())
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?)", (bucket.name, json.dumps(layout)))
        self._connection.execute(
            f"DELETE FROM documents WHERE bucket = ? AND collection NOT IN ({present})",  # noqa: S608 (numbers)
            (bucket.name,),
        )
        self._connection.execute("COMMIT")

    def drop_bucket(self, name: str) -> None:
        """Forget a bucket."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("DELETE FROM documents WHERE bucket = ?", (name,))
        self._connection.execute("DELETE FROM buckets WHERE name = ?", (name,))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _row(address: Address, document: Document) -> tuple[Any, ...]:
    facts = (document.value, document.flags, document.datatype, document.cas, document.expires_at_s)
    return (*address, *facts, json.dumps(document.xattrs))
