"""One thread that does all that waits for it in one turn: one hop between threads, one transaction, one fsync.

A write alone takes as long as ever. Where writes come faster than the disk can sync, those that arrive during one sync
share the next one: the rate follows the callers, durability is that of the single write.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from schemas.errors import BackendTimeout, BackendUnavailable
from store.sqlite.connection import Synchronous, connect, transaction, translate

__all__ = ["TurnThread"]

T = TypeVar("T")

_MAX_TURN = 128
"""Most pieces of work of one turn: bounds how long the first caller waits for the last one, and other processes for
the write lock."""


@dataclass(frozen=True, slots=True)
class _Job:
    operation: str
    work: Callable[[sqlite3.Connection], Any]
    answer: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any = None
    error: Exception | None = None

    def tell(self, answer: "asyncio.Future[Any]") -> None:
        if answer.done():
            return  # cancelled meanwhile
        if self.error is not None:
            answer.set_exception(self.error)
        else:
            answer.set_result(self.value)


class TurnThread:
    """A thread with a connection of its own. Used by the tasks of one event loop."""

    def __init__(
        self,
        path: Path,
        *,
        mode: Literal["read", "write"],
        synchronous: Synchronous,
        busy_timeout_s: float,
        name: str,
    ) -> None:
        """Start nothing yet: thread and connection come with the first work.

        Args:
            path: The file.
            mode: ``write``: a turn is one write transaction, in order of arrival. ``read``: one snapshot, taken when
                the turn begins, so that a caller sees whatever was durable before it asked.
            synchronous: When a write counts as done.
            busy_timeout_s: Longest wait for another process's write, in seconds.
            name: Of the thread.
        """
        self._begin: Literal["BEGIN", "BEGIN IMMEDIATE"] = "BEGIN IMMEDIATE" if mode == "write" else "BEGIN"
        self._connect = partial(connect, path, synchronous, busy_timeout_s)
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: list[_Job] = []
        self._turns: asyncio.Task[None] | None = None
        self._is_closed = False

    async def run(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in the next turn; returns when its transaction has ended.

        Once its turn has begun it is done, also where the caller is cancelled.

        Args:
            operation: Name for errors.
            work: Statements on the connection. They may be undone and done again: another's failure ends a transaction.

        Raises:
            BackendTimeout: Another process held the write lock for too long.
            BackendUnavailable: The store is closed, or the file cannot be read or written.
            BackendProtocolError: The file or a document in it is damaged.
        """
        if self._is_closed:
            raise BackendUnavailable("it is closed", backend="store", operation=operation)
        job = _Job(operation, work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._turns is None:
            # A task of its own begins after those that are ready now: what they ask for comes along.
            self._turns = asyncio.create_task(self._take_turns())
        result: T = await job.answer
        return result

    async def close(self) -> None:
        """Wait for all work, then close the connection. Idempotent."""
        self._is_closed = True
        if self._turns is not None:
            await asyncio.shield(self._turns)
        await asyncio.to_thread(self._thread.shutdown)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _take_turns(self) -> None:
        try:
            while self._waiting:
                turn = [job for job in self._waiting[:_MAX_TURN] if not job.answer.done()]  # done: cancelled
                self._waiting = self._waiting[_MAX_TURN:]
                outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._turn, turn)
                for job, outcome in zip(turn, outcomes, strict=True):
                    outcome.tell(job.answer)
        finally:
            self._turns = None

    def _turn(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            connection = self._connection
            with transaction(connection, self._begin):
                return [_Outcome(job.work(connection)) for job in jobs]
        except Exception as error:  # noqa: BLE001 (told to the callers)
            if len(jobs) == 1 or isinstance(translate(error, "turn"), BackendTimeout):
                return [_Outcome(error=translate(error, job.operation)) for job in jobs]
        # One failed, and all are undone: now each by itself, so that the failure is told to its own caller alone.
        return [outcome for job in jobs for outcome in self._turn([job])]
