"""Connections to the store file, the threads they belong to, and what their failures mean."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from schemas.errors import BackendProtocolError, BackendTimeout, BackendUnavailable

__all__ = ["ConnectionThreads", "Synchronous", "connect", "transaction", "translate", "translated"]

T = TypeVar("T")

Synchronous = Literal["FULL", "NORMAL"]
"""When a write counts as done. In WAL mode both survive the death of the process at any moment.

FULL also survives power loss, at one fsync a write; NORMAL may lose the last writes then, never the file.
"""

_WAL_RETRY_S = 0.01


class ConnectionThreads:
    """Threads with one connection each: work runs on them, off the event loop, and no connection is shared."""

    def __init__(
        self, path: Path, *, num_threads: int, synchronous: Synchronous, busy_timeout_s: float, name: str
    ) -> None:
        """Start nothing yet: threads and connections come with the first work.

        Args:
            path: The file.
            num_threads: Most pieces of work at once; one where work must not overlap.
            synchronous: When a write counts as done.
            busy_timeout_s: Longest wait for another process's write, in seconds.
            name: Prefix of the threads' names.
        """
        self._path = path
        self._synchronous = synchronous
        self._busy_timeout_s = busy_timeout_s
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix=name)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._is_closed = False

    async def run(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run the work on one of the threads. Once begun it runs to its end, also where the caller is cancelled.

        Raises:
            BackendTimeout: Another process held the write lock for too long.
            BackendUnavailable: The store is closed, or the file cannot be read or written.
            BackendProtocolError: The file or a document in it is damaged.
        """
        if self._is_closed:
            raise BackendUnavailable("it is closed", backend="store", operation=operation)

        def on_thread() -> T:
            with translated(operation):
                return work(self._connection())

        return await asyncio.get_running_loop().run_in_executor(self._threads, on_thread)

    async def close(self) -> None:
        """Wait for work under way, then close the connections. Idempotent."""
        self._is_closed = True
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._threads.shutdown(wait=True)
        with self._lock:
            while self._connections:
                self._connections.pop().close()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path, self._synchronous, self._busy_timeout_s)
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection


def connect(path: Path, synchronous: Synchronous, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection in WAL mode, without implicit transactions.

    Args:
        path: The file.
        synchronous: When a write counts as done.
        busy_timeout_s: Longest wait for another process's write, in seconds.

    Raises:
        sqlite3.Error: The file cannot be opened, or another process kept it busy.
    """
    # check_same_thread off: each thread keeps to its own connection, but the closing thread closes them all.
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    try:
        _enter_wal_mode(connection, busy_timeout_s)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


def _enter_wal_mode(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    # The first switch of a new file needs the whole file, and does not wait by itself while another process switches.
    give_up_at_s = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= give_up_at_s:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return


@contextmanager
def transaction(
    connection: sqlite3.Connection, begin: Literal["BEGIN", "BEGIN IMMEDIATE"] = "BEGIN IMMEDIATE"
) -> Iterator[None]:
    """All or nothing, one writer at a time over all processes; durable when the block has ended.

    Inside another transaction it is a part of that one, which is then undone as a whole where this block fails.
    """
    is_part = connection.in_transaction
    if is_part:
        yield
        return
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Foreign exceptions of the block as this project's."""
    try:
        yield
    except (sqlite3.Error, ValidationError) as error:
        raise translate(error, operation) from error


def translate(error: Exception, operation: str) -> Exception:
    """A foreign exception as this project's; any other as it is."""
    if isinstance(error, ValidationError):
        message = f"a stored document does not fit this build: {error}"
        return BackendProtocolError(message, backend="store", operation=operation)
    if not isinstance(error, sqlite3.Error):
        return error
    if not isinstance(error, sqlite3.OperationalError):
        return BackendProtocolError(str(error), backend="store", operation=operation)
    if _is_busy(error):
        message = f"another writer held the file for too long ({error})"
        return BackendTimeout(message, backend="store", operation=operation)
    return BackendUnavailable(str(error), backend="store", operation=operation)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    # The low byte is the primary code; SQLITE_BUSY_SNAPSHOT and others are kinds of SQLITE_BUSY.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
