"""What becomes of one record, errors included: it is finished when it is processed or dead-lettered, durably."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import StrEnum

import structlog

from schemas.deadline import Deadline
from schemas.documents import SummaryDocument
from schemas.errors import BackendError, InvalidInput, Overloaded
from schemas.events import decode_update, event_age_s
from stream.backoff import backoff_s
from stream.deadletter import DeadLetters, origin_of
from stream.decide import Outcome
from stream.process import Processor
from stream.source import Record
from stream.telemetry import Telemetry

__all__ = ["Action", "RecordHandler", "action_for"]


class Action(StrEnum):
    """What the nearline service does about an error."""

    DEAD_LETTER = "dead_letter"
    """At once: no attempt can help."""
    PAUSE = "pause"
    """Stop pulling for as long as the error says, then the same record again; not acknowledged, not an attempt."""
    RETRY = "retry"
    """Again inside the retry budget, then pause; never dead-lettered, for it is not the record's fault."""
    TRY_AGAIN = "try_again"
    """A few attempts, then dead letter: it may be the record, and one record must not hold up a partition for ever."""


def action_for(error: Exception) -> Action:
    """The one table from errors to actions (DESIGN 9)."""
    match error:
        case InvalidInput():
            return Action.DEAD_LETTER
        case Overloaded():
            return Action.PAUSE
        case BackendError(retryable=True):
            return Action.RETRY
        case _:  # BackendProtocolError, and what nobody planned for
            return Action.TRY_AGAIN


class RecordHandler:
    """Processes records one by one. May be called concurrently for records of different keys."""

    def __init__(
        self,
        processor: Processor,
        dead_letters: DeadLetters,
        *,
        log_id: str,
        max_tries: int,
        retry_budget_s: float,
        pause_s: float,
        telemetry: Telemetry,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._processor = processor
        self._dead_letters = dead_letters
        self._log_id = log_id
        self._max_tries = max_tries
        self._retry_budget_s = retry_budget_s
        self._pause_s = pause_s
        self._telemetry = telemetry
        self._sleep = sleep
        self._rng = random.Random()
        self._log = structlog.get_logger(__name__)

    async def handle(self, record: Record) -> None:
        """Finish the record.

        Raises:
            Overloaded: It is not finished; stop pulling for ``retry_after_s``, then call again with the same record.
            Exception: Not even the dead letter could be published, and not because the broker is away: stop the worker.
        """
        deadline = Deadline.after(self._retry_budget_s)
        attempt = 0
        verdict: Exception | None = None  # why the record is to be dead-lettered
        while True:
            attempt += 1
            try:
                if verdict is None:
                    await self._settle(record)
                else:
                    await self._bury(record, verdict, attempt - 1)
                return
            except Exception as error:
                action = action_for(error)
                if action is Action.PAUSE:
                    raise
                if action is Action.RETRY:
                    if deadline.expired():
                        raise self._pause(error) from error
                elif verdict is not None:
                    raise
                elif action is Action.DEAD_LETTER or attempt >= self._max_tries:
                    verdict = error
                    continue
                self._telemetry.retries.labels(self._telemetry.error_label(error)).inc()
            await self._sleep(backoff_s(attempt, self._rng))

    async def _settle(self, record: Record) -> None:
        update = decode_update(record.key, record.value)
        processed = await self._processor.process(update, origin_of(record, self._log_id))
        self._telemetry.outcomes.labels(str(processed.outcome)).inc()
        written = processed.written
        age_s = _age_s(written)
        if age_s is not None:
            self._telemetry.event_age.observe(age_s)
        self._log.info(
            "nearline.record",
            at=record.place,
            outcome=str(processed.outcome),
            job_id=update.job_id,
            version=written.source_version if written else None,
            rev=written.rev if written else None,
            age_s=round(age_s, 3) if age_s is not None else None,
        )

    async def _bury(self, record: Record, error: Exception, attempts: int) -> None:
        await self._dead_letters.publish(record, error, attempts=attempts)
        self._telemetry.outcomes.labels(str(Outcome.DEAD_LETTERED)).inc()
        self._telemetry.dead_letters.labels(self._telemetry.error_label(error)).inc()
        # The message may quote the document; it stands in the dead letter's headers, not in the log.
        is_planned = isinstance(error, InvalidInput)
        self._log.warning(
            "nearline.record",
            at=record.place,
            outcome=str(Outcome.DEAD_LETTERED),
            error=type(error).__name__,
            field=error.field if isinstance(error, InvalidInput) else None,
            attempts=attempts,
            exc_info=None if is_planned else error,
        )

    def _pause(self, error: Exception) -> Overloaded:
        message = f"{type(error).__name__} for more than {self._retry_budget_s} s"
        return Overloaded(message, retry_after_s=self._pause_s)


def _age_s(written: SummaryDocument | None) -> float | None:
    if written is None or written.event_time is None:
        return None
    return event_age_s(written.event_time, written.summarized_at)
