"""The near-cache's file, as its feeder writes it: rows, offsets and moment, always of one transaction.

WAL mode, ``synchronous = NORMAL``: a killed process loses nothing, and power loss takes the last transactions as a
whole, which the log gives again. Not safe for threads: the feeder calls it from one at a time.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from pathlib import Path

from serve.near_cache.moment import Moment
from serve.near_cache.policy import Change, FileState, Identity, Offsets, changes
from serve.near_cache.rows import COLUMNS, Tokenise, row_of
from store.sqlite.connection import connect, transaction

__all__ = ["NearCacheFile", "broken_mark", "is_damage", "read_state", "remove"]

_FORMAT = 1
_BUSY_TIMEOUT_S = 5.0
_MAX_VARIABLES = 500

_TABLES = """
CREATE TABLE summaries (
    job_id TEXT PRIMARY KEY, rev INTEGER NOT NULL, state INTEGER NOT NULL, source_version INTEGER NOT NULL,
    item_version BLOB NOT NULL, title TEXT NOT NULL, place TEXT NOT NULL, header TEXT NOT NULL, summary TEXT NOT NULL,
    token_ids BLOB NOT NULL, valid_through_us INTEGER, event_time_us INTEGER, summarized_at_us INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, offsets TEXT NOT NULL, begun TEXT, caught_up TEXT,
    num_entries INTEGER NOT NULL
) STRICT
"""
_PUT = f"INSERT OR REPLACE INTO summaries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_STATE = "SELECT identity, offsets, begun, caught_up, num_entries FROM state WHERE id = 1"
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class NearCacheFile:
    """The file, open for its only writer."""

    def __init__(self, path: Path, *, prompt_digest: str, tokenise: Tokenise) -> None:
        """Open it, made with its directory where it is not there.

        Args:
            path: Where.
            prompt_digest: What token ids are kept of.
            tokenise: Makes those that a document does not bring.

        Raises:
            sqlite3.Error: See :func:`is_damage`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._prompt_digest = prompt_digest
        self._tokenise = tokenise
        self._connection = connect(path, "NORMAL", _BUSY_TIMEOUT_S)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with transaction(self._connection):
            if _format(self._connection) == _FORMAT:
                return
            for table in ("summaries", "state"):
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _TABLES.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def state(self) -> FileState | None:
        """How far it is; None where it is new."""
        return read_state(self._connection)

    def empty(self, identity: Identity, offsets: Offsets, *, begun: Moment | None) -> None:
        """Begin anew from these offsets; readers see the old file or the empty one.

        Args:
            identity: What it will belong to.
            offsets: Where the log will be gone on with.
            begun: Now, where the log alone will fill it; None where a scan does, until :meth:`begin`.
        """
        with transaction(self._connection):
            self._connection.execute("DELETE FROM summaries")
            self._connection.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, NULL, 0)",
                (_dumped(astuple(identity)), _offsets_text(offsets), _moment_text(begun)),
            )

    def begin(self, begun: Moment) -> None:
        """The scan is in: from now on the rows follow the log."""
        with transaction(self._connection):
            self._connection.execute("UPDATE state SET begun = ?", (_moment_text(begun),))

    def apply(
        self, records: Iterable[Change], offsets: Offsets | None = None, caught_up: Moment | None = None
    ) -> tuple[int, int]:
        """Steps 5 and 6 in one transaction.

        Args:
            records: In the order of the log.
            offsets: What the rows include with them; None leaves those of before.
            caught_up: As of when the rows include all; None leaves the moment of before.

        Returns:
            Rows written, and rows removed.
        """
        records = list(records)
        with transaction(self._connection):
            stored = self._revs([job_id for job_id, _ in records])
            changed = changes(records, stored)
            kept = {job_id: document for job_id, document in changed.items() if document is not None}
            removed = [(job_id,) for job_id in changed.keys() - kept.keys() if job_id in stored]
            rows = (row_of(it, prompt_digest=self._prompt_digest, tokenise=self._tokenise) for it in kept.values())
            self._connection.executemany(_PUT, rows)
            self._connection.executemany("DELETE FROM summaries WHERE job_id = ?", removed)
            self._connection.execute(
                "UPDATE state SET offsets = coalesce(?, offsets), caught_up = coalesce(?, caught_up),"
                " num_entries = num_entries + ?",
                (
                    None if offsets is None else _offsets_text(offsets),
                    _moment_text(caught_up),
                    len(kept.keys() - stored.keys()) - len(removed),
                ),
            )
        return len(kept), len(removed)

    def close(self) -> None:
        """Close it. Idempotent."""
        self._connection.close()

    def _revs(self, job_ids: list[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(job_ids), _MAX_VARIABLES):
            some = job_ids[start : start + _MAX_VARIABLES]
            marks = ", ".join("?" * len(some))
            query = f"SELECT job_id, rev FROM summaries WHERE job_id IN ({marks})"  # noqa: S608 - marks only
            found.update(self._connection.execute(query, some))
        return found


def read_state(connection: sqlite3.Connection) -> FileState | None:
    """How far the file behind the connection is; None where it is new, or of another form."""
    if _format(connection) != _FORMAT:
        return None
    row = connection.execute(_STATE).fetchone()
    if row is None:
        return None
    identity, offsets, begun, caught_up, num_entries = row
    return FileState(
        Identity(*json.loads(identity)),
        {int(partition): offset for partition, offset in json.loads(offsets).items()},
        _moment(begun),
        _moment(caught_up),
        num_entries,
    )


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file must be built anew. A full disk or a held lock is no damage."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def broken_mark(path: Path) -> Path:
    """A reader that meets damage makes this file: the feeder may never read the same page."""
    return path.with_name(f"{path.name}-broken")


def remove(path: Path) -> None:
    """Remove the file. Who has it open still reads the old one, whose moment moves no more."""
    for suffix in ("", "-wal", "-shm", "-broken"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


def _offsets_text(offsets: Mapping[int, int]) -> str:
    return _dumped({str(partition): offset for partition, offset in offsets.items()})


def _moment_text(moment: Moment | None) -> str | None:
    return None if moment is None else _dumped(astuple(moment))


def _moment(text: str | None) -> Moment | None:
    return None if text is None else Moment(*json.loads(text))


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
