"""Trying a record until it is finished: done, or dead-lettered, durably. The same for every lane."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from schemas.deadline import Deadline
from schemas.errors import BackendError, BackendProtocolError, Overloaded
from stream.actions import Action, action_for
from stream.backoff import backoff_s
from stream.deadletter import DeadLetters
from stream.source import Record
from stream.telemetry import Telemetry

__all__ = ["Attempts"]


async def _blame_the_record(_: BackendProtocolError) -> bool:
    return True


class Attempts:
    """What a worker does about errors, record by record. May be used concurrently."""

    def __init__(
        self,
        dead_letters: DeadLetters,
        *,
        max_tries: int,
        retry_budget_s: float,
        pause_s: float,
        telemetry: Telemetry,
        is_sound: Callable[[BackendProtocolError], Awaitable[bool]] = _blame_the_record,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Put together.

        Args:
            dead_letters: Where a record goes that cannot be processed.
            max_tries: Attempts at a record that fails in an unplanned way.
            retry_budget_s: Time in which a record is tried again while a store or the broker fails, in seconds.
            pause_s: How long the worker pauses after that, in seconds.
            telemetry: Where retries and dead letters are counted.
            is_sound: Asked about a backend that answered in another form: whether it answers others as it should. The
                record is put aside only then; otherwise it waits for the backend to be mended.
            sleep: How to wait, in seconds.
        """
        self._dead_letters = dead_letters
        self._max_tries = max_tries
        self._retry_budget_s = retry_budget_s
        self._pause_s = pause_s
        self._telemetry = telemetry
        self._is_sound = is_sound
        self._sleep = sleep
        self._rng = random.Random()

    async def settle(self, record: Record, work: Callable[[], Awaitable[None]]) -> Exception | None:
        """Do the work of a record, again where that can help.

        Returns:
            None where it is done; else why the record was dead-lettered.

        Raises:
            Overloaded: It is not finished; stop pulling for ``retry_after_s``, then call again with the same record.
            Exception: Not even the dead letter could be published, and not because the broker is away: stop the worker.
        """
        deadline = Deadline.after(self._retry_budget_s)
        verdict, num_attempts = await self._attempt(work, deadline)
        if verdict is not None:
            await self._bury(record, verdict, num_attempts, deadline)
        return verdict

    async def _attempt(self, work: Callable[[], Awaitable[None]], deadline: Deadline) -> tuple[Exception | None, int]:
        """The verdict on the record (None: it is done), and how often it was tried."""
        num_attempts = 0
        num_unplanned = 0  # apart: what was waited out with a backend away is not held against the record
        while True:
            num_attempts += 1
            try:
                await work()
                return None, num_attempts
            except Exception as error:
                match action_for(error):
                    case Action.PAUSE:
                        raise
                    case Action.DEAD_LETTER:
                        return error, num_attempts
                    case Action.TRY_AGAIN:
                        if isinstance(error, BackendProtocolError) and not await self._is_sound(error):
                            raise self._pause(error) from error
                        num_unplanned += 1
                        if num_unplanned >= self._max_tries:
                            return error, num_attempts
                    case Action.RETRY:
                        self._check_budget(error, deadline)
                await self._wait(error, num_attempts)

    async def _bury(self, record: Record, verdict: Exception, num_attempts: int, deadline: Deadline) -> None:
        num_tries = 0
        while True:
            num_tries += 1
            try:
                await self._dead_letters.publish(record, verdict, attempts=num_attempts)
            except BackendError as error:
                if action_for(error) is not Action.RETRY:
                    raise
                self._check_budget(error, deadline)
                await self._wait(error, num_tries)
            else:
                self._telemetry.dead_letters.labels(self._telemetry.error_label(verdict)).inc()
                return

    def _check_budget(self, error: Exception, deadline: Deadline) -> None:
        if deadline.expired():
            raise self._pause(error) from error

    def _pause(self, error: Exception) -> Overloaded:
        return Overloaded(f"waiting after {type(error).__name__}: {error}", retry_after_s=self._pause_s)

    async def _wait(self, error: Exception, num_attempts: int) -> None:
        self._telemetry.retries.labels(self._telemetry.error_label(error)).inc()
        await self._sleep(backoff_s(num_attempts, self._rng))
