"""Step 7: reading the near-cache, off the event loop, on one connection a process."""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import BackendUnavailable
from serve.near_cache.file import broken_mark, is_damage, read_state
from serve.near_cache.policy import FileState
from serve.near_cache.rows import COLUMNS, NearDocument, document_of
from store.sqlite.connection import transaction

__all__ = ["NearCacheReader", "NearRead"]

_MAX_VARIABLES = 500
_BUSY_TIMEOUT_S = 0.05
# Pages that this process keeps; the system's cache holds the rest, once for all processes.
_CACHE_KIB = 8 * 1024


@dataclass(frozen=True, slots=True)
class NearRead:
    """What one read transaction found.

    Attributes:
        state: How far the file was; None where it is new.
        documents: Job id -> document, those that are there.
    """

    state: FileState | None
    documents: dict[str, NearDocument]


class _DamagedRow(Exception):
    """A row that no writer of this build made."""


class NearCacheReader:
    """Reads the file, whoever writes it, and finds it again after it was removed and built anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._is_closed = False
        # One thread: the work is Python's, which takes turns anyway.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="near-cache-read")

    async def read(self, job_ids: Sequence[str]) -> NearRead:
        """State and documents, of the same moment.

        Raises:
            BackendUnavailable: It cannot be read.
        """
        if self._is_closed:
            raise BackendUnavailable("it is closed", backend="near-cache", operation="read")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._on_thread, job_ids)

    async def num_bytes(self) -> int:
        """Size of file and write-ahead log."""
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        return await asyncio.to_thread(lambda: sum(file.stat().st_size for file in files if file.exists()))

    async def close(self) -> None:
        """Close the file. Idempotent."""
        self._is_closed = True
        await asyncio.to_thread(self._thread.shutdown)
        self._drop()

    def _on_thread(self, job_ids: Sequence[str]) -> NearRead:
        try:
            return _read(self._current(), job_ids)
        except FileNotFoundError:
            return NearRead(None, {})
        except (sqlite3.Error, OSError, _DamagedRow) as error:
            self._drop()
            if isinstance(error, _DamagedRow) or (isinstance(error, sqlite3.Error) and is_damage(error)):
                broken_mark(self._path).touch()
            raise BackendUnavailable(repr(error), backend="near-cache", operation="read") from error

    def _current(self) -> sqlite3.Connection:
        inode = os.stat(self._path).st_ino  # noqa: PTH116 - a Path's stat takes three times as long
        if self._connection is None or inode != self._inode:
            self._drop()
            # Not made here where it is missing, and never written: the feeder does both.
            uri = f"{self._path.resolve().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA query_only = 1")
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._inode = inode
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _read(connection: sqlite3.Connection, job_ids: Sequence[str]) -> NearRead:
    with transaction(connection, "BEGIN"):
        state = read_state(connection)
        if state is None:
            return NearRead(None, {})
        digest = state.identity.prompt_digest
        found: dict[str, NearDocument] = {}
        for start in range(0, len(job_ids), _MAX_VARIABLES):
            some = job_ids[start : start + _MAX_VARIABLES]
            marks = ", ".join("?" * len(some))
            query = f"SELECT {', '.join(COLUMNS)} FROM summaries WHERE job_id IN ({marks})"  # noqa: S608 - marks only
            rows = connection.execute(query, some).fetchall()
            try:
                found.update((row[0], document_of(row, digest)) for row in rows)
            except (ValueError, LookupError) as error:  # SQLite does not check what its pages hold
                raise _DamagedRow(repr(error)) from error
        return NearRead(state, found)
